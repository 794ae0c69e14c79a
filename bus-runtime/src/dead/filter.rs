//! Which dead letters are meant.

use super::DeadLetter;
use crate::delivery::DeadReason;
use crate::event::{Key, RoutingKey};
use std::time::SystemTime;

/// Which dead letters are meant: all of them, or those for which everything holds that is set.
///
/// ```
/// use bus_runtime::{DeadLetterFilter, DeadReason};
/// use std::time::{Duration, SystemTime};
///
/// let recent = SystemTime::now() - Duration::from_secs(3600);
/// let filter = DeadLetterFilter::all()
///     .topic("orders.placed")
///     .reason(DeadReason::Exhausted)
///     .since(recent);
/// # let _ = filter;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a filter is given to a method of `DeadLetters`"]
pub struct DeadLetterFilter {
    topic: Option<String>,
    reason: Option<DeadReason>,
    key: Option<Key>,
    since: Option<SystemTime>,
    before: Option<SystemTime>,
}

impl DeadLetterFilter {
    /// All of a group's dead letters.
    pub fn all() -> Self {
        DeadLetterFilter::default()
    }

    /// Only events of this topic.
    pub fn topic(self, topic: impl Into<String>) -> Self {
        let topic = Some(topic.into());
        DeadLetterFilter { topic, ..self }
    }

    /// Only dead letters for this reason.
    pub fn reason(self, reason: DeadReason) -> Self {
        let reason = Some(reason);
        DeadLetterFilter { reason, ..self }
    }

    /// Only events that were published under this key; [`Key::NONE`] for those without one.
    pub fn key(self, key: impl RoutingKey) -> Self {
        let key = Some(Key::of(&key));
        DeadLetterFilter { key, ..self }
    }

    /// Only events that became dead letters at this time or later.
    pub fn since(self, time: SystemTime) -> Self {
        let since = Some(time);
        DeadLetterFilter { since, ..self }
    }

    /// Only events that became dead letters before this time.
    pub fn before(self, time: SystemTime) -> Self {
        let before = Some(time);
        DeadLetterFilter { before, ..self }
    }

    pub(super) fn takes_all(&self) -> bool {
        let DeadLetterFilter {
            topic: None,
            reason: None,
            key: None,
            since: None,
            before: None,
        } = self
        else {
            return false;
        };
        true
    }

    pub(super) fn takes(&self, letter: &DeadLetter) -> bool {
        let topic = self.topic.as_deref();
        topic.is_none_or(|topic| topic == &*letter.event.topic)
            && self
                .reason
                .is_none_or(|reason| letter.reason == Some(reason))
            && self.key.as_ref().is_none_or(|key| *key == letter.event.key)
            && self.since.is_none_or(|since| letter.at >= since)
            && self.before.is_none_or(|before| letter.at < before)
    }
}
