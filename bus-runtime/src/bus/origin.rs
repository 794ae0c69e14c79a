//! The event during whose handling another is published.

use crate::event::{EventId, Headers, Key, Metadata};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// The namespace of the ids of events that are published from within handlers.
const NAMESPACE: Uuid = Uuid::from_u128(0x6275_7372_7400_5000_8000_0000_0000_0001);

/// What travels on, so that whoever sees all three can join them.
const TRACE: [&str; 2] = ["traceparent", "tracestate"];

/// The event during whose handling others are published: the source of their ids, so that a repeated
/// attempt publishes the same ids again and two handlers never the same.
#[derive(Debug)]
pub(crate) struct Origin {
    handled: EventId,
    group: String,
    handler: &'static str,
    trace: Headers,
    /// How often this attempt has published an equal event.
    equal: Mutex<HashMap<Uuid, u32>>,
}

impl Origin {
    pub(crate) fn new(metadata: &Metadata, headers: &Headers, handler: &'static str) -> Self {
        let trace = headers.iter().filter(|(name, _)| TRACE.contains(name));
        Origin {
            handled: metadata.id.clone(),
            group: metadata.group.to_string(),
            handler,
            trace: trace
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
            equal: Mutex::default(),
        }
    }

    /// The headers of the handled event that travel on.
    pub(crate) fn trace(&self) -> &Headers {
        &self.trace
    }

    /// The id of the next event to be published: UUID v5 of the handled event's id, the group, the handler,
    /// the topic, the key, the payload, and how many equal ones there were.
    pub(crate) fn next_id(&self, topic: &str, key: &Key, payload: &[u8]) -> EventId {
        let mut name = Vec::new();
        let key_present = [u8::from(key.as_bytes().is_some())];
        let handled = self.handled.as_str();
        let texts = [handled, &self.group, self.handler, topic].map(str::as_bytes);
        for part in texts.into_iter().chain([
            &key_present[..],
            key.as_bytes().unwrap_or_default(),
            payload,
        ]) {
            // Each with its length, so that no two lists of parts are the same bytes.
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part);
        }
        let first = Uuid::new_v5(&NAMESPACE, &name);
        let mut equal = self.equal.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = equal.entry(first).or_default();
        let id = Uuid::new_v5(&first, &nth.to_be_bytes());
        *nth += 1;
        EventId::from(id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(event: &str, handler: &'static str) -> Origin {
        Origin {
            handled: event.into(),
            group: "shop".into(),
            handler,
            trace: Headers::new(),
            equal: Mutex::default(),
        }
    }

    #[test]
    fn a_repeated_attempt_publishes_the_same_ids_and_equal_events_differ() {
        let ids = |handler| {
            let origin = origin("1", handler);
            [(); 2].map(|()| origin.next_id("a.b", &Key::of("k"), b"{}").to_string())
        };
        assert_eq!(ids("reserve"), ids("reserve"));
        assert_ne!(ids("reserve")[0], ids("reserve")[1]);
        assert_ne!(ids("reserve"), ids("charge"));
        let origin = origin("1", "reserve");
        assert_ne!(
            origin.next_id("a.b", &Key::NONE, b""),
            origin.next_id("a.b", &Key::of(""), b"")
        );
    }

    #[test]
    fn the_ids_are_fixed() {
        let id = origin("1", "reserve").next_id("a.b", &Key::of("k"), b"{}");
        assert_eq!(id.as_str(), GOLDEN);
    }

    /// Versions of a service that run side by side must agree on it.
    const GOLDEN: &str = "54e2e83b-ee2a-5d09-aac7-2ef974be6d58";
}
