//! Real brokers, started for a test or by hand.

mod by_hand;
mod download;
mod find;
mod guard;
mod nats;
mod port;
mod start_error;

pub(crate) use by_hand::up;
pub(crate) use download::provide;
pub use find::FindError;
pub use nats::Nats;
pub use start_error::StartError;
