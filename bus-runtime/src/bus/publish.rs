//! What may be said about one publish.

use super::PublishError;
use crate::event::{EventId, Headers};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// The longest id, in bytes.
const MAX_ID: usize = 256;

/// What may be said about one publish: id, headers, a timeout of its own.
///
/// ```
/// use bus_runtime::Publish;
/// use std::time::Duration;
///
/// let publish = Publish::new().id("order-7").header("tenant", "blue").timeout(Duration::from_secs(1));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it only describes a publish; give it to `publish_with`"]
pub struct Publish {
    pub(super) id: Option<EventId>,
    pub(super) headers: Vec<(Arc<str>, Bytes)>,
    pub(super) timeout: Option<Duration>,
}

impl Publish {
    /// A new id, no headers, the configured timeout.
    pub fn new() -> Self {
        Publish::default()
    }

    /// The event's id, for an event that has one already. Where the broker deduplicates, a second event
    /// with the same id and topic is not stored. It is printable ASCII without spaces at its ends, 1 to 256
    /// bytes; the publish fails with any other.
    pub fn id(mut self, id: impl Into<EventId>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// One more header; a name may occur more than once. Names and values are printable ASCII, and names
    /// that begin with `bus-` or `Nats-`, in whatever case, are taken. A `content-type` replaces the one that the event's
    /// codec writes.
    pub fn header(mut self, name: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// One more header, if it has none of that name.
    pub(super) fn header_if_absent(self, name: &'static str, value: &'static str) -> Self {
        if self.headers.iter().any(|(given, _)| **given == *name) {
            return self;
        }
        self.header(name, value)
    }

    /// How long the publish may take, instead of the configured `publish_timeout`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// What is wrong with the id, if there is one.
    pub(super) fn id_fault(&self) -> Option<&'static str> {
        let id = self.id.as_ref()?.as_str().as_bytes();
        if id.is_empty() {
            Some("is empty; leave it out, for a new one")
        } else if id.len() > MAX_ID {
            Some("is longer than 256 bytes; use a hash of it, say")
        } else if !is_text(id) {
            Some("is not printable ASCII without spaces at its ends; encode it, in base64 say")
        } else {
            None
        }
    }

    /// The headers, behind those that travel on from `before`.
    pub(super) fn headers(&self, before: Option<&Headers>) -> Result<Headers, PublishError> {
        for (name, value) in &self.headers {
            let fault = if name.is_empty()
                || !name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && byte != b':')
            {
                Some("has a name that is not printable ASCII without `:` and spaces")
            } else if is_taken(name) {
                Some("has a name that the bus or the broker uses itself; choose another")
            } else if !is_text(value) {
                Some(
                    "has a value that is not printable ASCII without spaces at its ends; encode it, in base64 say",
                )
            } else {
                None
            };
            if let Some(fault) = fault {
                return Err(PublishError::Header {
                    name: name.to_string(),
                    fault,
                });
            }
        }
        let own = |name: &str| self.headers.iter().any(|(own, _)| **own == *name);
        let before = before
            .into_iter()
            .flat_map(Headers::iter)
            .filter(|(name, _)| !own(name));
        let before = before.map(|(name, value)| (Arc::<str>::from(name), value.clone()));
        Ok(before.chain(self.headers.iter().cloned()).collect())
    }
}

/// Whether every broker carries it as it is, in a header.
fn is_text(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b' '..=b'~')) && value.trim_ascii() == value
}

/// Whether the bus or a broker uses names like this itself.
fn is_taken(name: &str) -> bool {
    let begins = |with: &str| {
        name.get(..with.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(with))
    };
    begins("bus-") || begins("nats-")
}
