//! How the server is told what became of an event.

use crate::transport::Position;
use async_nats::Subject;
use std::collections::VecDeque;
use std::time::SystemTime;

/// The event is settled.
pub(super) const ACK: &[u8] = b"+ACK";
/// The event is given back.
pub(super) const NAK: &[u8] = b"-NAK";
/// The event is still worked on: its ack wait begins again.
pub(super) const PROGRESS: &[u8] = b"+WPI";

/// What the reply subject of an event says: `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.
/// <stream sequence>.<consumer sequence>.<time>.<pending>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivered {
    /// The event's place in the stream.
    pub(super) position: Position,
    /// Counts what the consumer delivered, from 1 after each reset, without gaps.
    pub(super) number: u64,
    /// When the event was stored, since 1970.
    pub(super) nanoseconds: u64,
}

impl Delivered {
    pub(super) fn parse(reply: &str) -> Option<Self> {
        let rest = reply.strip_prefix("$JS.ACK.")?;
        // The longer form has two tokens in front, and may have more behind in later servers.
        let skipped = match rest.bytes().filter(|byte| *byte == b'.').count() {
            6 => 3,
            8.. => 5,
            _ => return None,
        };
        let mut tokens = rest.split('.').skip(skipped).map(str::parse);
        let mut next = || tokens.next()?.ok();
        Some(Delivered {
            position: next()?,
            number: next()?,
            nanoseconds: next()?,
        })
    }

    pub(super) fn time(&self) -> SystemTime {
        super::wire::time(self.nanoseconds)
    }
}

/// Where to answer for each event that was delivered since the last reset and is not acknowledged yet.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged(VecDeque<(Position, Option<Subject>)>);

impl Unacknowledged {
    /// An event was delivered. A second delivery replaces the first one's subject.
    pub(super) fn insert(&mut self, position: Position, reply: Subject) {
        if self.0.back().is_none_or(|(newest, _)| *newest < position) {
            self.0.push_back((position, Some(reply)));
            return;
        }
        match self.find(position) {
            Ok(at) => self.0[at].1 = Some(reply),
            Err(at) => self.0.insert(at, (position, Some(reply))),
        }
    }

    /// Where to answer, for the last time.
    pub(super) fn take(&mut self, position: Position) -> Option<Subject> {
        let at = self.find(position).ok()?;
        let reply = self.0[at].1.take();
        while let Some((_, None)) = self.0.front() {
            self.0.pop_front();
        }
        reply
    }

    /// Where to answer.
    pub(super) fn get(&self, position: Position) -> Option<&Subject> {
        self.0[self.find(position).ok()?].1.as_ref()
    }

    /// From the oldest to the newest, what was acknowledged between them included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets everything: after a reset nothing counts as delivered.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    fn find(&self, position: Position) -> Result<usize, usize> {
        self.0
            .binary_search_by_key(&position, |(position, _)| *position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_subject_is_read_in_both_forms() {
        let expected = Delivered {
            position: 42,
            number: 7,
            nanoseconds: 1_700_000_000_000_000_000,
        };
        let short = "$JS.ACK.events.shop~audit.1.42.7.1700000000000000000.3";
        let long = "$JS.ACK.hub.Xy1.events.shop~audit.1.42.7.1700000000000000000.3";
        assert_eq!(Delivered::parse(short), Some(expected));
        assert_eq!(Delivered::parse(long), Some(expected));
        assert_eq!(Delivered::parse(&format!("{long}.tail")), Some(expected));
        for bad in [
            "_INBOX.x.1",
            "$JS.ACK.events.shop.1.42.7.1700",
            "$JS.ACK.events.shop.1.x.7.1.3",
        ] {
            assert_eq!(Delivered::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn answers_are_found_once_in_any_order() {
        let mut open = Unacknowledged::default();
        for position in [3, 7, 20] {
            open.insert(position, Subject::from(position.to_string()));
        }
        assert_eq!(open.take(7).as_deref(), Some("7"));
        assert_eq!(open.take(7), None);
        open.insert(3, Subject::from("3 again"));
        open.insert(7, Subject::from("7 again"));
        assert_eq!(open.get(3).map(Subject::as_str), Some("3 again"));
        assert_eq!(open.take(3).as_deref(), Some("3 again"));
        assert_eq!(open.take(20).as_deref(), Some("20"));
        assert_eq!(open.take(7).as_deref(), Some("7 again"));
        assert_eq!(open.0.len(), 0, "nothing is kept");
        assert_eq!(open.take(4), None);
    }

    #[test]
    fn an_older_event_may_come_again() {
        let mut open = Unacknowledged::default();
        open.insert(9, Subject::from("9"));
        open.insert(4, Subject::from("4"));
        assert_eq!(open.take(4).as_deref(), Some("4"));
        open.clear();
        assert_eq!(open.get(9), None);
    }
}
