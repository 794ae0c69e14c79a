//! What a health report says.

use std::fmt;

/// Whether the bus is alive and ready, and what is wrong with it.
///
/// Liveness and readiness apart, as an orchestrator asks for them: a bus that is not *live* will not
/// recover without a restart; one that is not *ready* cannot take or handle events at the moment. A
/// problem that changes neither is still a problem for somebody: a stuck key, a refused dead letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The bus can go on without a restart.
    pub live: bool,
    /// The bus takes and handles events.
    pub ready: bool,
    /// What is wrong, each with its cause; none when all is well.
    pub problems: Vec<Problem>,
    /// What was acknowledged without being handled, by group. It is right where a stream is shared, and makes
    /// nothing unready; in a rolling deploy it may be a loss, see [`Unrouted`].
    pub unrouted: Vec<Unrouted>,
}

/// Events that reached a group which has no handler for them in this process. They are acknowledged, since the
/// group would stand still behind them: no member of this group handles them any more.
///
/// On a durable broker a group's consumer may see every topic of a stream. Where other services publish to the
/// same stream, such events are none of the group's business. Where a new version of this service handles a topic
/// that the old one does not, an old process that still runs takes that topic's events away: deploy the handler
/// everywhere first and publish to its topic after that, or give the new handler a `group` of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unrouted {
    /// The group.
    pub group: String,
    /// How many events.
    pub events: u64,
    /// Their topics, in the order in which they came: the first 100.
    pub topics: Vec<String>,
}

/// One thing that is wrong, as the health report names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// A consumer cannot go on; the bus has to be started again.
    Dead {
        /// The consumer's group.
        group: String,
        /// What happened.
        error: String,
    },
    /// The connection to the broker is lost; it is made again without end.
    BrokerAway {
        /// What the client says.
        error: String,
    },
    /// The broker has given this process's part of a group's events to others, or keeps it for now: it takes none
    /// until the group assigns some again.
    Unassigned {
        /// The group.
        group: String,
    },
    /// A source's window is full, and its oldest event has held it for a second at least: it stands still until
    /// that event is settled.
    WindowFull {
        /// The group whose source it is.
        group: String,
        /// The source.
        source: String,
        /// Where its oldest unsettled event stands.
        position: u64,
    },
    /// Another process seems to take the events of the same group, where one at a time may.
    Contended {
        /// The group.
        group: String,
    },
    /// Retries and dead letters fill their room: sources stop until one of them is settled.
    DelayedFull {
        /// How many events wait.
        waiting: usize,
    },
    /// A dead letter could not be stored; its event stays unsettled and it is tried again.
    DeadLetterRefused {
        /// The handler whose event it is.
        handler: String,
        /// What the broker answers.
        error: String,
    },
    /// A handler computes another key than the event was published under: its order holds within this
    /// process only.
    KeyDiffers {
        /// The handler.
        handler: String,
        /// The topic.
        topic: String,
        /// The first key that differed: as published, and as computed.
        keys: (String, String),
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Dead { group, error } => {
                write!(
                    f,
                    "the consumer of group `{group}` cannot go on: {error}; start the bus again"
                )
            }
            Problem::BrokerAway { error } => write!(
                f,
                "the connection to the broker is lost: {error}; reconnecting"
            ),
            Problem::Unassigned { group } => write!(
                f,
                "group `{group}` has lost its partitions, since the broker heard nothing of this process for longer than \
                 `session_timeout`; joining again"
            ),
            Problem::Contended { group } => write!(
                f,
                "another process handles the events of group `{group}`: they are handled twice and keys overlap; stop \
                 one of the two, and in a deploy the old one before the new one starts"
            ),
            Problem::WindowFull {
                group,
                source,
                position,
            } => write!(
                f,
                "the window of `{source}` in group `{group}` is full: it waits for the event at {position} to be \
                 settled"
            ),
            Problem::DelayedFull { waiting } => write!(
                f,
                "{waiting} events wait for a retry or for their dead letter, which is the limit `delayed`: their \
                 sources stand still"
            ),
            Problem::DeadLetterRefused { handler, error } => {
                write!(
                    f,
                    "a dead letter of `{handler}` could not be stored: {error}; it is tried again"
                )
            }
            Problem::KeyDiffers {
                handler,
                topic,
                keys: (published, computed),
            } => write!(
                f,
                "`{handler}` orders topic `{topic}` by another key than it is published under (`{computed}`, not \
                 `{published}`): the order of that key holds within this process only"
            ),
        }
    }
}
