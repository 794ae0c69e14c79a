//! An event's id.

use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What identifies an event: the same at every redelivery, so that a handler can recognise an event
/// that it has handled already.
///
/// A UUID v7, unless the publisher gave another. An event that another program published without an
/// id has its position in the source as its id (`<stream>/<sequence>`, `<topic>/<partition>/<offset>`).
/// Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EventId(Arc<str>);

impl EventId {
    /// A new id, greater than those made before it.
    pub(crate) fn generate() -> Self {
        EventId(Uuid::now_v7().to_string().into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for EventId {
    fn from(id: &str) -> Self {
        EventId(id.into())
    }
}

impl From<String> for EventId {
    fn from(id: String) -> Self {
        EventId(id.into())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
