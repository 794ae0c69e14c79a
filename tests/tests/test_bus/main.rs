//! What users test their services with: `TestBus` and what handlers are called with directly.

mod asked;
mod paused;
mod shop;
mod time;
