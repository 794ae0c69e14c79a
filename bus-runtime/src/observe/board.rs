//! What is wrong right now.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    /// A source's window is full: it stands still until its oldest event is settled.
    WindowFull {
        /// The source.
        source: String,
        /// Where its oldest unsettled event stands.
        position: u64,
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
            Problem::WindowFull { source, position } => {
                write!(
                    f,
                    "the window of `{source}` is full: it waits for the event at {position} to be settled"
                )
            }
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

/// Where every part of the bus writes what is wrong; a problem is removed by whoever reported it.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<BTreeMap<Place, Problem>>);

/// Whose problem it is: one at a time for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Consumer(String),
    Connection,
    Window(String),
    DeadLetters(usize),
    Key(usize),
}

impl Board {
    /// Sets what is wrong at a place, or says that it is well again. Logs each change.
    pub(crate) fn report(&self, place: Place, problem: Option<Problem>) {
        let mut problems = self.lock();
        match problem {
            Some(problem) => {
                if !problems.contains_key(&place) {
                    tracing::warn!("{problem}");
                }
                problems.insert(place, problem);
            }
            None => {
                if let Some(over) = problems.remove(&place) {
                    tracing::info!("no longer: {over}");
                }
            }
        }
    }

    /// Whether something is wrong at a place.
    pub(crate) fn is_reported(&self, place: &Place) -> bool {
        self.lock().contains_key(place)
    }

    /// The health as of now; `pool_full` is asked of the pool, which does not report on its own.
    pub(crate) fn health(&self, delayed_full: Option<usize>, running: bool) -> Health {
        let mut problems: Vec<Problem> = self.lock().values().cloned().collect();
        problems.extend(delayed_full.map(|waiting| Problem::DelayedFull { waiting }));
        let live = !problems
            .iter()
            .any(|problem| matches!(problem, Problem::Dead { .. }));
        let away = problems
            .iter()
            .any(|problem| matches!(problem, Problem::BrokerAway { .. }));
        Health {
            live,
            ready: live && running && !away,
            problems,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Place, Problem>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
