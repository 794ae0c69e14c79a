//! An event bus.

mod bus;
mod event;
mod pool;

pub use bus::{Config, ConfigError, Drain, Provision};
pub use event::{EventId, Headers, Key, KeyWriter, Message, Record, RoutingKey, Unordered};
