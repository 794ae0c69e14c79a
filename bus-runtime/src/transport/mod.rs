//! What a broker's client does for the bus, and what the bus does for it.
//!
//! Calls go two ways, once per batch. A transport's own loop (a task, a thread, or nothing at all)
//! *delivers* to a [`Source`] what it has reserved there, and *reads* from it what may be acknowledged;
//! the bus only ever *wakes* that loop. No future, lock or callback of a user crosses this border.
//!
//! Nothing here knows a handler, and nothing above knows a broker.

mod buried;
mod contract;
mod error;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
mod memory;
#[cfg(feature = "nats")]
pub(crate) mod nats;
mod outgoing;

pub use crate::bus::{connect, start_on};
pub use crate::delivery::{Epoch, Grant, Incoming, Intake, Position, Revoke, Source};
pub use buried::{Buried, Letter};
pub use contract::{
    Acknowledge, BoxFuture, Capabilities, Consumer, Leftover, Subscription, Transport,
};
pub use error::TransportError;
pub(crate) use memory::Memory;
pub(crate) use outgoing::DEAD_LETTER_ROOM;
pub use outgoing::{Confirm, Destination, Outgoing, Receipt};
