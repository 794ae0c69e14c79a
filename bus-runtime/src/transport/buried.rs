//! Dead letters, once they are stored.

use super::{BoxFuture, Position, TransportError};
use crate::event::Message;

/// The dead letters that a broker keeps, each under its group: read in the order in which they were stored, and removed.
///
/// Reading takes nothing away, and any number of programs may read. What is asked of a group that nobody knows is
/// answered as for one without dead letters.
pub trait Buried: Send + Sync {
    /// Whether the broker has heard of the group: one that was started once, on this broker and in this namespace.
    /// `true` where the broker does not say.
    ///
    /// # Errors
    ///
    /// When the broker cannot be asked.
    fn knows<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<bool, TransportError>>;

    /// A group's dead letters from a position on, in their order, `limit` at most. There may be fewer than that, since
    /// memory has its limits too, but there are none only where no more are stored.
    ///
    /// # Errors
    ///
    /// When the broker cannot be asked.
    fn list<'a>(
        &'a self,
        group: &'a str,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>>;

    /// The position of the newest dead letter, or a later one at which none is: where to stop who must not follow what is
    /// stored meanwhile. `None` where nothing is stored.
    ///
    /// # Errors
    ///
    /// When the broker cannot be asked.
    fn newest<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Position>, TransportError>>;

    /// Removes dead letters as they were [listed](Buried::list), which no list shows any more. One that is gone already
    /// is no error.
    ///
    /// # Errors
    ///
    /// When the broker refuses, or cannot be asked; some may be removed then.
    fn remove<'a>(
        &'a self,
        group: &'a str,
        letters: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Makes sure that replays for a group can be stored and their dead letters removed, also where it has not been
    /// started since: by making what is missing, where that is allowed.
    ///
    /// # Errors
    ///
    /// When something is missing that may not be made, or the broker cannot be asked.
    fn prepare_replay<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        let _ = group;
        Box::pin(std::future::ready(Ok(())))
    }
}

/// A dead letter, and where it is stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Letter {
    /// Names it among the dead letters of its group; a later one has a greater position.
    pub position: Position,
    /// The event: topic, key, id and payload as they were published, its headers with those of a dead letter behind
    /// them; its time is when the dead letter was stored.
    pub message: Message,
}

impl Letter {
    /// A dead letter at its position.
    pub fn new(position: Position, message: Message) -> Self {
        Letter { position, message }
    }
}
