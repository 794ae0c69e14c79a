//! The headers that a dead letter has beside its event's own.

use crate::event::Headers;
use bytes::Bytes;
use std::time::SystemTime;

pub(crate) const ID: &str = "bus-dead-id";
pub(crate) const TOPIC: &str = "bus-dead-topic";
pub(crate) const POSITION: &str = "bus-dead-position";
pub(crate) const TIME: &str = "bus-dead-time";
pub(crate) const GROUP: &str = "bus-dead-group";
pub(crate) const HANDLER: &str = "bus-dead-handler";
pub(crate) const REASON: &str = "bus-dead-reason";
pub(crate) const ERROR: &str = "bus-dead-error";
pub(crate) const ATTEMPTS: &str = "bus-dead-attempts";
pub(crate) const AT: &str = "bus-dead-at";

/// All of them, in the order in which they are written.
pub(crate) const NAMES: [&str; 10] = [
    ID, TOPIC, POSITION, TIME, GROUP, HANDLER, REASON, ERROR, ATTEMPTS, AT,
];

/// What a replay keeps of them: what the event needs to be itself again, and to become a dead letter again.
const KEPT: [&str; 5] = [ID, TOPIC, POSITION, TIME, ATTEMPTS];

/// The headers that a dead letter has beside its event's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Additions([Option<Bytes>; NAMES.len()]);

impl Additions {
    /// An event's own headers, and what its dead letter has added to them: the last of each name, since the event may
    /// have had headers of these names, which stand before.
    pub(crate) fn split(headers: &Headers) -> (Headers, Self) {
        let mut additions = Additions::default();
        let mut own: Vec<_> = headers
            .iter()
            .rev()
            .filter(|(name, value)| !additions.take(name, value))
            .collect();
        own.reverse();
        let own = own.into_iter();
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        (own.collect(), additions)
    }

    /// The headers of a replay: the event's own, and what is kept of the additions.
    pub(crate) fn of_replay(headers: &Headers) -> Headers {
        let (own, additions) = Additions::split(headers);
        let kept = KEPT.iter().filter_map(|name| {
            let value = additions.get(name)?;
            Some(((*name).to_owned(), value.clone()))
        });
        let own = own.iter();
        own.map(|(name, value)| (name.to_owned(), value.clone()))
            .chain(kept)
            .collect()
    }

    /// The value of one, if it is there and is UTF-8.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// The time in one.
    pub(crate) fn time(&self, name: &str) -> Option<SystemTime> {
        humantime::parse_rfc3339(self.text(name)?).ok()
    }

    /// How often the event was attempted; 0 where there was no room to say.
    pub(crate) fn attempts(&self) -> u32 {
        let attempts = self.text(ATTEMPTS).map(str::parse);
        attempts.and_then(Result::ok).unwrap_or_default()
    }

    fn get(&self, name: &str) -> Option<&Bytes> {
        let at = NAMES.iter().position(|known| *known == name)?;
        self.0[at].as_ref()
    }

    /// Whether this is the last of its name, which it takes.
    fn take(&mut self, name: &str, value: &Bytes) -> bool {
        let at = NAMES.iter().position(|known| *known == name);
        match at.map(|at| &mut self.0[at]) {
            Some(free @ None) => {
                *free = Some(value.clone());
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Headers {
        Headers::new()
            .with("tenant", "blue")
            .with(ERROR, "its own")
            .with("tenant", "green")
            .with(ID, "id-1")
            .with(TOPIC, "orders.placed")
            .with(REASON, "exhausted")
            .with(ERROR, "no stock")
            .with(ATTEMPTS, "3")
    }

    #[test]
    fn an_event_has_its_own_headers_back() {
        let (own, additions) = Additions::split(&letter());
        let expected = Headers::new()
            .with("tenant", "blue")
            .with(ERROR, "its own")
            .with("tenant", "green");
        assert_eq!(own, expected);
        assert_eq!(additions.text(ERROR), Some("no stock"));
        assert_eq!((additions.attempts(), additions.text(AT)), (3, None));
    }

    #[test]
    fn a_replay_has_what_the_event_needs_and_no_more() {
        let expected = Headers::new()
            .with("tenant", "blue")
            .with(ERROR, "its own")
            .with("tenant", "green")
            .with(ID, "id-1")
            .with(TOPIC, "orders.placed")
            .with(ATTEMPTS, "3");
        assert_eq!(Additions::of_replay(&letter()), expected);
    }
}
