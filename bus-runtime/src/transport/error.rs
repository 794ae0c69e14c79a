//! What goes wrong at a broker.

use std::error::Error;
use std::fmt;

/// What went wrong at a broker.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The broker cannot be reached, or the connection was lost.
    Unreachable(String),
    /// The broker answered, and refused.
    Refused(String),
    /// The event is larger than the broker takes.
    TooLarge {
        /// The event with key and headers, in bytes.
        size: usize,
        /// The most that the broker takes, in bytes.
        limit: usize,
    },
    /// There is no room for the event; which limit is reached, and what to do.
    Full(String),
    /// The transport is closed, or ended before it had an answer.
    Closed,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Unreachable(why) => write!(f, "the broker cannot be reached: {why}"),
            TransportError::Refused(why) => write!(f, "the broker refused: {why}"),
            TransportError::TooLarge { size, limit } => {
                write!(
                    f,
                    "the event has {size} bytes with its key and headers; the broker takes {limit} at most"
                )
            }
            TransportError::Full(why) => write!(f, "no room for the event: {why}"),
            TransportError::Closed => f.write_str(
                "the bus shuts down or has shut down; what was on its way by then may be stored nevertheless",
            ),
        }
    }
}

impl Error for TransportError {}
