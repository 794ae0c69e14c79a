//! NATS JetStream.
//!
//! One connection carries everything; each time it is made again, all that was under way on the former
//! one is void, and consumers and publishers begin anew on the next: consumers behind the acknowledged
//! events, publishers with what has no answer yet, under the same message ids.

mod acks;
mod api;
mod connection;
mod consume;
mod consumer;
mod dead_letters;
mod feed;
mod generation;
mod layout;
mod link;
mod mark;
mod options;
mod publisher;
mod pull;
mod setup;
mod transport;
mod unreadable;
mod wire;

pub(crate) use options::NatsOptions;
pub(crate) use transport::connect;
