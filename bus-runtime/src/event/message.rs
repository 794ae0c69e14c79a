//! An event as a transport carries it.

use super::{EventId, Headers, Key};
use bytes::Bytes;
use std::sync::Arc;
use std::time::SystemTime;

/// An event as a transport carries it: raw bytes, nothing decoded. Cheap to clone.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The topic, without namespace.
    pub topic: Arc<str>,
    /// The key that the event was published under.
    pub key: Key,
    /// The event's id.
    pub id: EventId,
    /// Every header but those in which the transport carries key and id.
    pub headers: Headers,
    /// The event's bytes.
    pub payload: Bytes,
    /// When the event was published, as the broker says.
    pub time: SystemTime,
}

impl Message {
    /// An event published now, with a new id and without headers.
    ///
    /// ```
    /// use bus_runtime::{Key, Message};
    ///
    /// let message = Message::new("orders.placed", Key::of("c-7"), "{}");
    /// assert_eq!(&*message.topic, "orders.placed");
    /// ```
    pub fn new(topic: impl Into<Arc<str>>, key: Key, payload: impl Into<Bytes>) -> Self {
        Message {
            topic: topic.into(),
            key,
            id: EventId::generate(),
            headers: Headers::new(),
            payload: payload.into(),
            time: SystemTime::now(),
        }
    }

    /// What the event counts against the bus's byte limits.
    pub fn size(&self) -> usize {
        self.payload.len() + self.key.as_bytes().map_or(0, <[u8]>::len) + self.headers.size()
    }
}
