//! Real brokers, for the tests that need one.

pub use xtask::broker::{Nats, StartError};
