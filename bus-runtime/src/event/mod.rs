//! What travels: an event's contract, its topic, key, headers and id, and the raw message.

mod headers;
mod id;
mod key;
mod message;
mod names;

pub use headers::Headers;
pub use id::EventId;
pub use key::{Key, KeyWriter, Record, RoutingKey, Unordered};
pub use message::Message;
pub(crate) use names::{check_name, check_topic};
