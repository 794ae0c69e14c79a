//! What travels: an event's contract, its topic, key, headers and id, and the raw message.

mod contract;
mod headers;
mod id;
mod key;
mod message;
mod metadata;
mod names;

pub use contract::{Carries, Event, Subscribed, Topic, TopicArgument, WriteKey, assert_topic};
pub use headers::Headers;
pub use id::EventId;
pub use key::{HalfTyped, Key, KeyWriter, Record, RoutingKey, Unordered};
pub use message::Message;
pub use metadata::Metadata;
pub(crate) use names::{check_name, check_topic};
