//! Real brokers, started for a test or by hand.

mod by_hand;
mod find_error;
mod guard;
mod jars;
mod kafka;
mod kind;
mod nats;
mod port;
mod process;
mod program;
mod provide;
mod server;
mod start_error;
mod wheel;

pub(crate) use by_hand::up;
pub use find_error::FindError;
pub use kafka::{Kafka, KafkaServer};
pub use kind::{Kind, Variables};
pub use nats::{Nats, NatsServer};
pub(crate) use provide::provide;
pub use server::Server;
pub use start_error::StartError;
