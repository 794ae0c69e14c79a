//! Real brokers, for the tests that need one.

pub use xtask::broker::{Kafka, KafkaServer, Kind, Nats, NatsServer, Server, StartError};
