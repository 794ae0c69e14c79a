//! Where a transport's consumer opens its sources.

use super::dispatch::Dispatch;
use super::held::Held;
use super::source::{Brings, Epoch, Source};
use super::sources::Sources;
use crate::observe::{Board, Place, Problem};
use crate::pool::Pool;
use crate::transport::TransportError;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// The bus as one consumer sees it: where it opens its sources and says what is wrong. Cheap to clone.
#[derive(Clone)]
pub struct Intake(Arc<Routes>);

/// From a consumer's topics to the pool's subscriptions.
pub(crate) struct Routes {
    pub(crate) group: Arc<str>,
    pub(crate) subscriptions: HashMap<&'static str, usize>,
    /// The subscription of replays that no handler takes.
    pub(crate) no_handler: usize,
    pub(crate) pool: Pool<Dispatch>,
    /// Events between the oldest unsettled and the newest taken of a source.
    pub(crate) window: usize,
    pub(crate) board: Arc<Board>,
    /// Seeds the identities of keys: the same for all consumers of a bus.
    pub(crate) seed: RandomState,
    pub(crate) failed: watch::Sender<Option<Arc<str>>>,
    pub(crate) unrouted: AtomicU64,
    pub(crate) sources: Sources,
}

impl Intake {
    pub(crate) fn new(routes: Routes) -> Self {
        Intake(Arc::new(routes))
    }

    /// The group's full name.
    pub(crate) fn group(&self) -> &str {
        &self.0.group
    }

    /// The widest window of the sources that are open.
    pub(crate) fn widest(&self) -> usize {
        self.0.sources.widest()
    }

    /// Opens a source that this process now owns: none of its events is in the pool. `epoch` grows with
    /// each change of its owner. `wake` is called when there is something to do for the source's loop; it
    /// must neither block nor panic.
    #[must_use = "a source that is dropped delivers nothing"]
    pub fn open(
        &self,
        name: &str,
        epoch: Epoch,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Source {
        self.source(Brings::Events, name, epoch, Box::new(wake))
    }

    /// Opens a source of [replays](crate::transport::Destination::Replay): what it delivers was a dead letter of this
    /// group, and is given its id, its time and its own headers back. All else is as for [`open`](Self::open).
    #[must_use = "a source that is dropped delivers nothing"]
    pub fn open_replays(
        &self,
        name: &str,
        epoch: Epoch,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Source {
        self.source(Brings::Replays, name, epoch, Box::new(wake))
    }

    fn source(
        &self,
        brings: Brings,
        name: &str,
        epoch: Epoch,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Source {
        Source::open(name.into(), epoch, Arc::clone(&self.0), brings, wake)
    }

    /// Says that the connection to the broker is lost, or, with `None`, that it is back: for the health
    /// report.
    pub fn connection(&self, lost: Option<&TransportError>) {
        let problem = lost.map(|error| Problem::BrokerAway {
            error: error.to_string(),
        });
        self.0.board.report(Place::Connection, problem);
    }

    /// Says whether the broker has taken this consumer's sources away, and not yet assigned any again: for the health
    /// report.
    pub fn unassigned(&self, is_unassigned: bool) {
        let group = self.0.group.to_string();
        let problem = is_unassigned.then(|| Problem::Unassigned {
            group: group.clone(),
        });
        self.0.board.report(Place::Assignment(group), problem);
    }

    /// Says whether another process seems to take the events of the same group, on a broker where one process at
    /// a time may: for the health report.
    pub fn contended(&self, is_contended: bool) {
        let group = self.0.group.to_string();
        let problem = is_contended.then(|| Problem::Contended {
            group: group.clone(),
        });
        self.0.board.report(Place::Contended(group), problem);
    }

    /// Says that the consumer cannot go on: `run_until` ends with this error.
    pub fn fail(&self, error: &TransportError) {
        let text = error.to_string();
        crate::observe::error!(group = &*self.0.group, "the consumer cannot go on: {text}");
        let problem = Problem::Dead {
            group: self.0.group.to_string(),
            error: text.clone(),
        };
        self.0
            .board
            .report(Place::Consumer(self.0.group.to_string()), Some(problem));
        self.0.failed.send_replace(Some(text.into()));
    }
}

impl Routes {
    /// The subscription of a topic, if the group has it.
    pub(super) fn subscription(&self, topic: &str) -> Option<usize> {
        self.subscriptions.get(topic).copied()
    }

    /// Computes what orders the event: a seeded hash of subscription and key, 0 for no key. Two keys that
    /// collide wait for each other; they are never reordered.
    pub(super) fn identify(&self, held: &mut Held) -> u64 {
        let subscription = held.subscription;
        let route = &self.pool.work().subscriptions()[subscription].route;
        if held.route(route) {
            self.key_differs(held);
        } else if self.pool.work().keys_agree(subscription) {
            self.board.report(Place::Key(subscription), None);
        }
        match held.key.as_bytes() {
            Some(key) => self.seed.hash_one((subscription, key)).max(1),
            None => 0,
        }
    }

    /// Counts events that no handler of the group takes, by topic.
    pub(super) fn unrouted(&self, topics: &[(Arc<str>, u64)]) {
        let events = topics.iter().map(|(_, events)| events).sum();
        self.unrouted.fetch_add(events, Ordering::Relaxed);
        self.board.unrouted(&self.group, topics);
    }

    fn key_differs(&self, held: &Held) {
        self.pool.work().keys_differ(held.subscription);
        let place = Place::Key(held.subscription);
        if self.board.is_reported(&place) {
            return;
        }
        let subscribed = &self.pool.work().subscriptions()[held.subscription];
        self.board.report(
            place,
            Some(Problem::KeyDiffers {
                handler: subscribed.name.to_owned(),
                topic: subscribed.topic.to_owned(),
                keys: (held.message.key.to_string(), held.key.to_string()),
            }),
        );
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Intake")
            .field("group", &self.0.group)
            .finish_non_exhaustive()
    }
}
