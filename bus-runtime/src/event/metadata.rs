//! What the bus knows about an event besides its payload.

use super::EventId;
use std::sync::Arc;
use std::time::SystemTime;

/// What the bus knows about an event besides its payload and its key. Cheap to clone.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn audit(_: Raw, about: Metadata) {
///     println!("{} of {}, attempt {}", about.id, about.topic, about.attempt);
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metadata {
    /// The event's id: the same at every redelivery, so that a handler can recognise what it has done.
    pub id: EventId,
    /// The topic, without namespace.
    pub topic: Arc<str>,
    /// The group that handles the event: the bus's, or `bus~handler` where the handler has its own.
    pub group: Arc<str>,
    /// When the event was published, as the broker says.
    pub time: SystemTime,
    /// What the event came from: a partition, a stream, the memory log.
    pub source: Arc<str>,
    /// The event's position in its source; grows along the source.
    pub position: u64,
    /// Which attempt this is; the first is 1.
    pub attempt: u32,
    /// Grows whenever another process takes over the source: a store that remembers the greatest it has
    /// seen, and refuses smaller ones, is safe from a process that was frozen. Constant in memory.
    pub fence: u64,
}
