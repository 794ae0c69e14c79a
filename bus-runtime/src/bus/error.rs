//! What goes wrong when a bus starts, runs, or publishes.

use super::{ConfigError, Report};
use crate::codec::EncodeError;
use crate::transport::TransportError;
use std::error::Error;
use std::fmt;

/// Why a bus did not start.
#[non_exhaustive]
pub enum StartError {
    /// The configuration is wrong; nothing was connected.
    Config(ConfigError),
    /// Another bus runs in this process: one pool for all topics means one bus.
    AnotherBus {
        /// The bus that was to start.
        bus: &'static str,
        /// The bus that runs.
        running: &'static str,
    },
    /// A bus runs on a tokio runtime, with timers and, for a broker on the network, I/O.
    NoRuntime {
        /// What is missing.
        what: &'static str,
    },
    /// A publisher for itself cannot be connected to `memory:`, where nobody could receive its events.
    PublisherInMemory,
    /// The broker could not be reached, or refused.
    Broker {
        /// What was to be done there.
        what: String,
        /// What happened.
        source: TransportError,
    },
}

/// The text: what `main` prints when it returns the error.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Config(error) => error.fmt(f),
            StartError::AnotherBus { bus, running } => write!(
                f,
                "`{bus}` cannot start: the bus `{running}` runs in this process already; shut that down first, or \
                 list its handlers in one bus"
            ),
            StartError::NoRuntime { what } => write!(
                f,
                "cannot start: {what}; call it within `#[tokio::main]`, or on a runtime that was built with \
                 `enable_all()`"
            ),
            StartError::PublisherInMemory => f.write_str(
                "a publisher cannot connect to `memory:`: those events live in the bus of their process; use that \
                 bus's `publisher()`, or the URL of a broker",
            ),
            StartError::Broker { what, source } => write!(f, "{what}: {source}"),
        }
    }
}

impl Error for StartError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            StartError::Config(error) => Some(error),
            StartError::Broker { source, .. } => Some(source),
            StartError::AnotherBus { .. }
            | StartError::NoRuntime { .. }
            | StartError::PublisherInMemory => None,
        }
    }
}

impl From<ConfigError> for StartError {
    fn from(error: ConfigError) -> Self {
        StartError::Config(error)
    }
}

/// Why a bus ended by itself.
#[non_exhaustive]
pub enum RunError {
    /// A consumer could not go on; the bus was shut down.
    Died {
        /// What happened, with the consumer's group.
        error: String,
        /// What the shutdown settled and released.
        report: Box<Report>,
    },
}

/// The text: what `main` prints when it returns the error.
impl fmt::Debug for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RunError::Died { error, .. } = self;
        write!(
            f,
            "the bus ended: {error}; start it again when that is mended"
        )
    }
}

impl Error for RunError {}

/// Why an event was not published.
#[non_exhaustive]
pub enum PublishError {
    /// The event cannot be written as bytes.
    Encode {
        /// The topic it was for.
        topic: String,
        /// What happened.
        source: EncodeError,
    },
    /// No broker could carry this topic.
    Topic {
        /// The topic.
        topic: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// An id that not every broker could carry.
    Id {
        /// The topic it was for.
        topic: String,
        /// What is wrong with the id.
        fault: &'static str,
    },
    /// A header's name or value that not every broker could carry.
    Header {
        /// The header's name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The event is larger than the broker takes, less the room that a dead letter's headers need.
    TooLarge {
        /// The topic it was for.
        topic: String,
        /// The event with its key and headers, in bytes.
        size: usize,
        /// The most that may be published, in bytes.
        limit: usize,
    },
    /// The broker did not confirm the event, in time or at all. It may be stored nevertheless, unless the
    /// broker refused it: publish it again with the same id.
    NotConfirmed {
        /// The topic it was for.
        topic: String,
        /// What happened.
        source: TransportError,
    },
}

impl PublishError {
    /// Whether there was no room for the event until the publish ran out of time: at the broker, or among the
    /// publishes under way, of which `publish_window` says how many there may be. The error says which, and what
    /// to raise.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(
            self,
            PublishError::NotConfirmed {
                source: TransportError::Full(_),
                ..
            }
        )
    }

    /// Whether the bus shuts down or has shut down. An event that was on its way by then may be stored
    /// nevertheless.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(
            self,
            PublishError::NotConfirmed {
                source: TransportError::Closed,
                ..
            }
        )
    }
}

/// The text: what `main` prints when it returns the error.
impl fmt::Debug for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PublishError::Encode { topic, source } => {
                write!(f, "not published to `{topic}`: {source}")
            }
            PublishError::Topic { topic, fault } => {
                write!(f, "not published to `{topic}`: {fault}")
            }
            PublishError::Id { topic, fault } => {
                write!(f, "not published to `{topic}`: the id {fault}")
            }
            PublishError::Header { name, fault } => {
                write!(f, "not published: the header `{name}` {fault}")
            }
            PublishError::TooLarge { topic, size, limit } => write!(
                f,
                "not published to `{topic}`: the event has {size} bytes with its key and headers, and {limit} may \
                 be published; store the content elsewhere and publish where it is"
            ),
            PublishError::NotConfirmed { topic, source } => {
                write!(f, "not published to `{topic}`: {source}")
            }
        }
    }
}

impl Error for PublishError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            PublishError::Encode { source, .. } => Some(source),
            PublishError::NotConfirmed { source, .. } => Some(source),
            _ => None,
        }
    }
}
