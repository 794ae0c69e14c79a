//! The brokers that other tests rely on.

mod every;
mod kafka;
mod nats;
