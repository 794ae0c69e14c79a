//! A dead letter that is replayed, on its way back to its handler.

use super::additions::{self, Additions};
use crate::event::{EventId, Message};

/// What an event has become dead for before, for the dead letter that it may become again.
#[derive(Clone, Debug)]
pub(super) struct Replayed {
    /// Where the event stood when it was first delivered.
    pub(super) position: Option<String>,
    /// How often it was attempted before.
    pub(super) attempts: u32,
}

/// The event as it was before it became a dead letter.
pub(super) fn restored(replay: Message) -> (Message, Replayed) {
    let (headers, additions) = Additions::split(&replay.headers);
    let position = additions.text(additions::POSITION).map(str::to_owned);
    // An event of somebody else had its position for an id, which is what is left of it where a dead letter had no room.
    let id = additions.text(additions::ID).or(position.as_deref());
    let message = Message {
        id: id.map_or_else(|| replay.id.clone(), EventId::from),
        time: additions.time(additions::TIME).unwrap_or(replay.time),
        headers,
        ..replay
    };
    let replayed = Replayed {
        attempts: additions.attempts(),
        position,
    };
    (message, replayed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Headers, Key};

    #[test]
    fn an_event_is_itself_again() {
        let headers = Headers::new()
            .with("tenant", "blue")
            .with(additions::ID, "id-1")
            .with(additions::POSITION, "events/42")
            .with(additions::TIME, "2026-01-02T03:04:05.000Z")
            .with(additions::ATTEMPTS, "8");
        let replay = Message {
            headers,
            ..Message::new("orders.placed", Key::of("c-7"), "{}")
        };
        let (event, replayed) = restored(replay.clone());
        assert_eq!((event.id.as_str(), event.headers.len()), ("id-1", 1));
        assert!(event.time < replay.time);
        assert_eq!(replayed.attempts, 8);
        assert_eq!(replayed.position.as_deref(), Some("events/42"));
        let bare = Message {
            headers: Headers::new().with(additions::POSITION, "ORDERS/7"),
            ..replay
        };
        assert_eq!(restored(bare).0.id.as_str(), "ORDERS/7");
    }
}
