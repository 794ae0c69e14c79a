//! What goes wrong with dead letters.

use super::DeadLetterId;
use crate::bus::StartError;
use crate::transport::TransportError;
use std::error::Error;
use std::fmt;

/// Why dead letters could not be listed, shown, replayed or purged.
#[non_exhaustive]
pub enum DeadLetterError {
    /// There is no connection to the broker: the configuration is wrong, or it could not be reached.
    Connect(StartError),
    /// The dead letters of `memory:` are in the bus of their process.
    InMemory,
    /// Nobody has handled events as this group on this broker.
    UnknownGroup {
        /// The group.
        group: String,
    },
    /// There is no such dead letter: it was replayed or purged, or never was one.
    UnknownId {
        /// The group.
        group: String,
        /// The dead letter.
        id: DeadLetterId,
    },
    /// The broker could not be asked, or refused.
    Broker {
        /// The group.
        group: String,
        /// What was to be done there.
        what: &'static str,
        /// What happened.
        source: TransportError,
    },
    /// Some were replayed or purged before it went wrong. The others are still dead letters.
    Partly {
        /// How many were.
        done: u64,
        /// What went wrong then.
        source: Box<DeadLetterError>,
    },
    /// The connection did not close by the deadline.
    Left(
        /// What did not close, by name.
        Vec<String>,
    ),
}

impl DeadLetterError {
    pub(super) fn partly(self, done: u64) -> Self {
        if done == 0 {
            return self;
        }
        DeadLetterError::Partly {
            done,
            source: Box::new(self),
        }
    }
}

/// The text: what `main` prints when it returns the error.
impl fmt::Debug for DeadLetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DeadLetterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeadLetterError::Connect(error) => write!(f, "no look at the dead letters: {error}"),
            DeadLetterError::InMemory => f.write_str(
                "the dead letters of `memory:` live in the bus of their process: use that bus's `dead_letters()`, or \
                 the URL of a broker",
            ),
            DeadLetterError::UnknownGroup { group } => write!(
                f,
                "nobody has handled events as the group `{group}` on this broker; a handler's own group is \
                 `<the bus's>~<its own>`, and the namespace has to be the service's"
            ),
            DeadLetterError::UnknownId { group, id } => write!(
                f,
                "the group `{group}` has no dead letter {id}: it was replayed or purged, or never was one"
            ),
            DeadLetterError::Broker {
                group,
                what,
                source,
            } => write!(f, "{what} the dead letters of group `{group}`: {source}"),
            DeadLetterError::Partly { done, source } => {
                write!(f, "{done} dead letters were done, then: {source}")
            }
            DeadLetterError::Left(left) => write!(
                f,
                "the connection did not close by its deadline: {}",
                left.join(", ")
            ),
        }
    }
}

impl Error for DeadLetterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            DeadLetterError::Connect(error) => Some(error),
            DeadLetterError::Broker { source, .. } => Some(source),
            DeadLetterError::Partly { source, .. } => Some(source),
            _ => None,
        }
    }
}
