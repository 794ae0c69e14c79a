//! What can be wrong.

use serde::{Serialize, Serializer};
use std::fmt;
use std::time::SystemTime;

/// One thing that is wrong, as the health report names it.
///
/// Displayed, it is a sentence that says what to do where somebody has to do something. How it is serialized, see
/// [`Health`](super::Health).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(remote = "Self", untagged)]
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
        /// The handlers whose events find no room.
        handlers: Vec<String>,
    },
    /// An attempt has taken longer than `stuck_after`: the events of its key wait for it.
    Stuck {
        /// The handler.
        handler: String,
        /// What the event is ordered by.
        key: String,
        /// The event's id.
        event: String,
        /// When the handler first waited for something; serialized as RFC 3339.
        #[serde(serialize_with = "rfc3339")]
        since: SystemTime,
        /// How many other attempts of the handler take that long too; this one began first.
        others: usize,
    },
    /// A handler has not given its thread back for two seconds at least: it blocks it, and with it the handlers,
    /// timers and connections that the thread would serve. What blocks belongs into `tokio::task::spawn_blocking`.
    Blocking {
        /// The handler.
        handler: String,
    },
    /// A dead letter could not be stored; its event stays unsettled and it is tried again.
    DeadLetterRefused {
        /// The handler whose event it is.
        handler: String,
        /// What the broker answers.
        error: String,
    },
    /// A handler does nothing but fail, so its events wait, and one of them is tried now and then, until one succeeds:
    /// see [`Brake`](crate::Brake).
    Braked {
        /// The handler.
        handler: String,
        /// Since when it is braked; serialized as RFC 3339.
        #[serde(serialize_with = "rfc3339")]
        since: SystemTime,
        /// How an attempt failed before.
        error: String,
    },
    /// Events have used up their attempts, and no other event of their handler has succeeded since the first of them
    /// failed: they are held, for an hour at most, since the handler may be to blame, and not they.
    Held {
        /// The handler.
        handler: String,
        /// How many events.
        events: usize,
        /// How one of them failed last.
        error: String,
    },
    /// A handler computes another key than the event was published under: its order holds within this
    /// process only. Over when the keys of 1000 events in a row agree.
    KeyDiffers {
        /// The handler.
        handler: String,
        /// The topic.
        topic: String,
        /// The first key that differed: as published, and as computed.
        keys: (String, String),
    },
}

impl Problem {
    /// Every [`cause`](Self::cause).
    pub(crate) const CAUSES: &[&str] = &[
        "dead",
        "broker_away",
        "unassigned",
        "window_full",
        "contended",
        "delayed_full",
        "stuck",
        "blocking",
        "dead_letter_refused",
        "key_differs",
        "braked",
        "held",
    ];

    /// The word for what is wrong: for alarms, and the label `cause` of the metric `bus_problems`. It stays the same.
    ///
    /// ```
    /// use bus_runtime::Problem;
    ///
    /// let away = Problem::BrokerAway { error: "no route to host".to_owned() };
    /// assert_eq!(away.cause(), "broker_away");
    /// ```
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Problem::Dead { .. } => "dead",
            Problem::BrokerAway { .. } => "broker_away",
            Problem::Unassigned { .. } => "unassigned",
            Problem::WindowFull { .. } => "window_full",
            Problem::Contended { .. } => "contended",
            Problem::DelayedFull { .. } => "delayed_full",
            Problem::Stuck { .. } => "stuck",
            Problem::Blocking { .. } => "blocking",
            Problem::DeadLetterRefused { .. } => "dead_letter_refused",
            Problem::Braked { .. } => "braked",
            Problem::Held { .. } => "held",
            Problem::KeyDiffers { .. } => "key_differs",
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told<'a> {
            cause: &'static str,
            message: String,
            #[serde(flatten, with = "Problem")]
            problem: &'a Problem,
        }
        let told = Told {
            cause: self.cause(),
            message: self.to_string(),
            problem: self,
        };
        told.serialize(serializer)
    }
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
            Problem::DelayedFull { waiting, handlers } => write!(
                f,
                "{waiting} events wait for a retry or for their dead letter, which is the limit `delayed`: the sources \
                 of `{}` stand still",
                handlers.join("`, `")
            ),
            Problem::Stuck {
                handler,
                key,
                event,
                since,
                others,
            } => {
                write!(
                    f,
                    "`{handler}` is stuck with event `{event}` of key `{key}` since {}",
                    humantime::format_rfc3339_seconds(*since)
                )?;
                match others {
                    0 => Ok(()),
                    1 => write!(f, ", and with another"),
                    others => write!(f, ", and with {others} others"),
                }
            }
            Problem::Blocking { handler } => write!(
                f,
                "`{handler}` blocks its thread: what takes long without an `.await` belongs into \
                 `tokio::task::spawn_blocking`"
            ),
            Problem::DeadLetterRefused { handler, error } => {
                write!(
                    f,
                    "a dead letter of `{handler}` could not be stored: {error}; it is tried again"
                )
            }
            Problem::Braked {
                handler,
                since,
                error,
            } => write!(
                f,
                "`{handler}` does nothing but fail ({error}): since {} its events wait, and one of them is tried now and \
                 then, until one succeeds",
                humantime::format_rfc3339_seconds(*since)
            ),
            Problem::Held {
                handler,
                events,
                error,
            } => write!(
                f,
                "{events} events of `{handler}` have no attempt left ({error}), and no other has succeeded since they \
                 failed: they are held, and tried again, for an hour at most"
            ),
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

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_seconds(*time))
}
