//! What the bus says of itself: its health.

mod board;
mod health;

pub(crate) use board::{Board, Place};
pub use health::{Health, Problem, Unrouted};
