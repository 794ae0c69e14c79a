//! An event bus.

mod event;
mod pool;

pub use event::{EventId, Headers, Key, KeyWriter, Message, Record, RoutingKey, Unordered};
