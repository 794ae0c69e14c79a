//! An event on its way to the broker, and the broker's answer.

use super::TransportError;
use crate::event::Message;
use std::fmt;
use std::sync::Arc;
use tokio::time::Instant;

/// What a publish leaves free of the largest event and of the most headers, in bytes: for what its dead letter
/// adds, so that an event that could be published can always become one.
pub(crate) const DEAD_LETTER_ROOM: usize = 4096;

/// An event on its way to the broker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outgoing {
    /// The event. Its topic is the original one, for a dead letter too.
    pub message: Message,
    /// Where it goes.
    pub destination: Destination,
    /// Whether it is published while an event is handled, which may wait for it: of an event from outside and
    /// one from a handler, it is the outside one that a full broker may keep waiting.
    pub from_handler: bool,
    /// When the answer is due: what is not stored by then is answered with an error.
    pub deadline: Instant,
}

/// Where an event goes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// To its topic.
    Topic,
    /// To the dead letters of a group. A second dead letter with the same `id` is not stored where the
    /// broker deduplicates.
    DeadLetters {
        /// The group's full name.
        group: Arc<str>,
        /// What identifies this dead letter: `<group>/<topic>/<position>`.
        id: Arc<str>,
    },
    /// To a group alone, which handles it as one more event of its topic: a dead letter that is replayed. It is
    /// delivered by a source that is [opened for replays](super::Intake::open_replays). A second replay with the same
    /// `id` is not stored where the broker deduplicates.
    Replay {
        /// The group's full name.
        group: Arc<str>,
        /// What identifies this replay: another one for each dead letter.
        id: Arc<str>,
    },
}

/// The broker's answer: the event is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The broker had an event with this id already, and stored no second one.
    pub duplicate: bool,
}

impl Receipt {
    /// Stored; `duplicate` where the broker had it already.
    pub fn stored(duplicate: bool) -> Self {
        Receipt { duplicate }
    }
}

type Then = Box<dyn FnOnce(Result<Receipt, TransportError>) + Send>;

/// Takes the answer to one publish, once. Dropped without an answer, it answers with an error itself.
pub struct Confirm(Option<Then>);

impl Confirm {
    /// Calls `then` with the answer. It must not block.
    pub fn new(then: impl FnOnce(Result<Receipt, TransportError>) + Send + 'static) -> Self {
        Confirm(Some(Box::new(then)))
    }

    /// Gives the answer.
    pub fn answer(mut self, result: Result<Receipt, TransportError>) {
        if let Some(then) = self.0.take() {
            then(result);
        }
    }
}

impl Drop for Confirm {
    fn drop(&mut self) {
        if let Some(then) = self.0.take() {
            then(Err(TransportError::Closed));
        }
    }
}

impl fmt::Debug for Confirm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirm")
    }
}
