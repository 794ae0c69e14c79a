//! Kafka.
//!
//! Each group has one consumer on one thread of its own, for all its topics; one producer on another thread serves
//! the whole bus. Neither thread waits for a handler, and nothing of the client runs on an executor's thread but the
//! call that hands an event to the producer.

mod blocking;
mod client;
mod consumer;
mod dead_letters;
mod desk;
mod names;
mod native;
mod open;
mod options;
mod producer;
mod publisher;
mod reader;
mod routes;
mod thread;
mod topics;
mod transport;
mod wire;

pub(crate) use options::KafkaOptions;
pub(crate) use transport::connect;
