//! A dead letter as people look at it.

use crate::delivery::DeadReason;
use crate::delivery::additions::{self, Additions};
use crate::event::{EventId, Message};
use crate::transport::{Letter, Position};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

/// An event that could not be handled, and why.
///
/// Its `Display` is one line for people. Where an event was so large that its dead letter had no room for them, the
/// handler and the error are empty and `attempts` is 0.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Names it among the dead letters of its group.
    pub id: DeadLetterId,
    /// The event as it was published: topic, key, id, headers, bytes and time.
    pub event: Message,
    /// Where the event stood: `<source>/<position>`, as its handler saw it in `Metadata`.
    pub position: String,
    /// The group that could not handle it, by its full name: `shop`, or `shop~audit` for a handler's own.
    pub group: String,
    /// The handler's path.
    pub handler: String,
    /// Why it is a dead letter; none where a later version of the bus wrote a reason that this one does not know.
    pub reason: Option<DeadReason>,
    /// The error of the last attempt, in ASCII, cut at 1 KiB.
    pub error: String,
    /// How often it was attempted, over all replays.
    pub attempts: u32,
    /// When it became a dead letter.
    pub at: SystemTime,
}

impl DeadLetter {
    pub(super) fn new(letter: &Letter, group: &str) -> Self {
        let Letter { position, message } = letter;
        let (headers, additions) = Additions::split(&message.headers);
        let text = |name| additions.text(name).map(str::to_owned);
        let topic = additions.text(additions::TOPIC).map(Arc::from);
        let id = text(additions::ID).or_else(|| text(additions::POSITION));
        DeadLetter {
            id: DeadLetterId(*position),
            event: Message {
                topic: topic.unwrap_or_else(|| Arc::clone(&message.topic)),
                id: id.map_or_else(|| message.id.clone(), EventId::from),
                headers,
                time: additions.time(additions::TIME).unwrap_or(message.time),
                ..message.clone()
            },
            position: text(additions::POSITION).unwrap_or_default(),
            group: text(additions::GROUP).unwrap_or_else(|| group.to_owned()),
            handler: text(additions::HANDLER).unwrap_or_default(),
            reason: additions
                .text(additions::REASON)
                .and_then(DeadReason::from_word),
            error: text(additions::ERROR).unwrap_or_default(),
            attempts: additions.attempts(),
            at: additions.time(additions::AT).unwrap_or(message.time),
        }
    }
}

impl fmt::Display for DeadLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeadLetter { id, event, .. } = self;
        let at = humantime::format_rfc3339_seconds(self.at);
        let reason = self.reason.map_or("unknown reason", DeadReason::as_str);
        write!(
            f,
            "{id}: {at} {} key {} id {}: {reason} after {} attempts of `{}`: {}",
            event.topic, event.key, event.id, self.attempts, self.handler, self.error
        )
    }
}

/// Names a dead letter among those of its group. Opaque: it is printed and read as a number, which grows with the time
/// at which dead letters were stored, and is never given again on a durable broker.
///
/// ```
/// use bus_runtime::DeadLetterId;
///
/// let id: DeadLetterId = "42".parse()?;
/// assert_eq!(id.to_string(), "42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeadLetterId(pub(super) Position);

impl fmt::Display for DeadLetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DeadLetterId {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(DeadLetterId)
    }
}

/// Some dead letters, and where to go on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DeadLetterPage {
    /// The dead letters, oldest first.
    pub letters: Vec<DeadLetter>,
    /// Behind which one the next page begins; none where there are no more.
    pub next: Option<DeadLetterId>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Headers, Key};

    fn letter(headers: Headers) -> DeadLetter {
        let message = Message {
            headers,
            ..Message::new("orders.placed", Key::of("c-7"), "{}")
        };
        DeadLetter::new(&Letter::new(7, message), "shop")
    }

    #[test]
    fn it_says_what_its_headers_say() {
        let letter = letter(
            Headers::new()
                .with("tenant", "blue")
                .with(additions::ID, "id-1")
                .with(additions::POSITION, "events/42")
                .with(additions::HANDLER, "shop::reserve")
                .with(additions::REASON, "exhausted")
                .with(additions::ERROR, "no stock")
                .with(additions::ATTEMPTS, "8")
                .with(additions::AT, "2026-01-02T03:04:05.000Z"),
        );
        assert_eq!(
            letter.to_string(),
            "7: 2026-01-02T03:04:05Z orders.placed key c-7 id id-1: exhausted after 8 attempts of `shop::reserve`: \
             no stock"
        );
        assert_eq!((letter.event.headers.len(), &*letter.group), (1, "shop"));
        assert_eq!(letter.position, "events/42");
    }

    #[test]
    fn what_is_left_out_is_empty() {
        let letter = letter(Headers::new().with(additions::REASON, "of a later version"));
        assert_eq!((letter.reason, letter.attempts), (None, 0));
        assert_eq!(letter.at, letter.event.time);
    }
}
