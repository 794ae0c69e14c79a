//! What a broker delivers in order, as its transport sees it.

use super::dispatch::Dispatch;
use super::frontier::{Frontier, Position, Taken};
use super::held::Held;
use super::intake::Routes;
use super::mistake::acknowledges_early;
use super::replay;
use crate::event::Message;
use crate::observe::{Place, Problem};
use crate::pool::{self, PoolSource, Submission};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Instant;

/// Grows with each change of a source's owner: the fence that handlers see.
pub type Epoch = u64;

/// What a broker delivers in order for as long as this process owns it: a Kafka partition, the durable
/// of a NATS group, a topic in memory. Cheap to clone; a later owner is another `Source`.
///
/// A transport [reserves](Source::reserve), fetches at most that much, and [delivers](Source::deliver)
/// it; a reservation that it will not use it [gives back](Source::give_back). Its waker is called when a
/// refused reservation may be tried again, when there is something to acknowledge or to give back, and
/// when a revoked source is drained.
#[derive(Clone)]
pub struct Source(Arc<SourceShared>);

pub(crate) struct SourceShared {
    name: Arc<str>,
    epoch: Epoch,
    brings: Brings,
    routes: Arc<Routes>,
    window: Mutex<Window>,
    /// Set once, right after the source is made: the pool's side calls back into this one.
    pool: OnceLock<PoolSource<Dispatch>>,
    wake: Box<dyn Fn() + Send + Sync>,
    lost: AtomicBool,
}

/// What a source delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Brings {
    Events,
    /// Events that were dead letters.
    Replays,
}

/// A source's frontier, and what is reserved of its room.
struct Window {
    frontier: Frontier,
    /// Events that the transport may still deliver.
    reserved: usize,
    /// As last reported to the health report.
    full: bool,
    /// Since when something is settled that the transport has not read, where that is measured.
    due: Option<Instant>,
}

/// A reservation: what a transport may fetch and deliver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "a reservation holds room in the pool until it is delivered into or given back"]
pub struct Grant {
    /// How many events.
    pub events: usize,
    /// How many bytes, with keys and headers. Unlimited for the one event that an empty source may
    /// always add.
    pub bytes: usize,
}

/// An event, and where its source has it.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its place in the source.
    pub position: Position,
    /// The event.
    pub message: Message,
}

/// How a source leaves this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoke {
    /// Nothing of it starts any more; what runs may end.
    Drain,
    /// What runs is cancelled too. What was settled may still be acknowledged.
    Cancel,
    /// Somebody else owns it already: cancel, acknowledge nothing.
    Lost,
}

impl Source {
    pub(super) fn open(
        name: Arc<str>,
        epoch: Epoch,
        routes: Arc<Routes>,
        brings: Brings,
        wake: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let shared = Arc::new(SourceShared {
            name,
            epoch,
            brings,
            window: Mutex::new(Window {
                frontier: Frontier::new(routes.window),
                reserved: 0,
                full: false,
                due: None,
            }),
            pool: OnceLock::new(),
            wake,
            lost: AtomicBool::new(false),
            routes,
        });
        let weak: Weak<SourceShared> = Arc::downgrade(&shared);
        let waker = Arc::new(move || {
            if let Some(source) = weak.upgrade() {
                (source.wake)();
            }
        });
        let pool = shared.routes.pool.source(waker);
        assert!(
            shared.pool.set(pool).is_ok(),
            "a new source has no pool yet"
        );
        shared.routes.sources.add(&shared);
        Source(shared)
    }

    /// The source's name; with a position it names an event: `<name>/<position>`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Which ownership of the source this is.
    pub fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    /// Reserves room for at most so many events and bytes, and says for how much there is room now. With
    /// none, the waker is called when it is worth trying again.
    ///
    /// For one event, `bytes` is its size: there is room for it or none. A source of which nothing is held or
    /// reserved has room for one event of any size, which is a grant of `usize::MAX` bytes.
    pub fn reserve(&self, events: usize, bytes: usize) -> Grant {
        let (grant, full) = {
            let mut window = self.0.window();
            let room = window.frontier.room().saturating_sub(window.reserved);
            let was_full = window.full;
            window.full = window.frontier.room() == 0;
            let oldest = window.frontier.oldest().filter(|_| window.full);
            let grant = if room == 0 {
                Grant::default()
            } else {
                let least = if events == 1 { bytes } else { bytes.min(1) };
                let granted = self.0.pool().reserve(events.min(room), bytes, least);
                let pool::Grant { events, bytes } = granted;
                window.reserved += events;
                Grant { events, bytes }
            };
            (grant, (window.full || was_full).then_some(oldest))
        };
        // Outside the lock, since it may be logged.
        if let Some(oldest) = full {
            self.0.report_window(oldest);
        }
        grant
    }

    /// Gives back the part of a reservation that is not needed.
    pub fn give_back(&self, grant: Grant) {
        {
            let mut window = self.0.window();
            // The pool too takes back no more than was reserved.
            window.reserved = window.reserved.saturating_sub(grant.events);
        }
        self.0.pool().give_back(pool::Grant {
            events: grant.events,
            bytes: grant.bytes,
        });
    }

    /// Hands over events for which there is a reservation, in the broker's order, leaving none out: a
    /// transport that finds a gap in its broker's numbering starts again behind the prefix first.
    ///
    /// The events' part of the reservation is used up; their bytes are taken from it as far as it goes. An
    /// event that was delivered before is dropped; if it is settled, it is acknowledged again.
    pub fn deliver(&self, batch: Vec<Incoming>) {
        let mut submissions = Vec::with_capacity(batch.len());
        let mut unused = pool::Grant::default();
        let mut unrouted: Vec<(Arc<str>, u64)> = Vec::new();
        let delivered = batch.len();
        let reserved;
        {
            let mut window = self.0.window();
            reserved = window.reserved;
            window.reserved = reserved.saturating_sub(delivered);
            for Incoming { position, message } in batch {
                let size = message.size();
                let Taken::New(number) = window.frontier.take(position) else {
                    unused.add(size);
                    continue;
                };
                if acknowledges_early() {
                    window.frontier.acknowledge_early(position);
                }
                let found = self.0.routes.subscription(&message.topic);
                let (subscription, message, replayed) = match (self.0.brings, found) {
                    (Brings::Events, Some(subscription)) => (subscription, message, None),
                    (Brings::Replays, found) => {
                        let (message, replayed) = replay::restored(message);
                        let subscription = found.unwrap_or(self.0.routes.no_handler);
                        (subscription, message, Some(Box::new(replayed)))
                    }
                    (Brings::Events, None) => {
                        window.frontier.settle(number);
                        match unrouted.last_mut() {
                            Some((topic, events)) if *topic == message.topic => *events += 1,
                            _ => unrouted.push((message.topic, 1)),
                        }
                        unused.add(size);
                        continue;
                    }
                };
                let source = Arc::clone(&self.0);
                let mut held = Held::new(source, number, position, subscription, message);
                held.replayed = replayed;
                submissions.push((held, size));
            }
        }
        if delivered > reserved {
            // They are here and may be the only copy: taken, beyond the bounds that the pool would keep.
            let source = &*self.0.name;
            crate::observe::error!(
                source,
                "the transport is at fault: it delivered {delivered} events, and had reserved room for {reserved}"
            );
        }
        if !unrouted.is_empty() {
            self.0.routes.unrouted(&unrouted);
        }
        // Keys are computed by user code: outside the lock.
        let submissions = submissions
            .into_iter()
            .map(|(mut held, bytes)| Submission {
                subscription: held.subscription,
                identity: self.0.routes.identify(&mut held),
                bytes,
                event: held,
            })
            .collect();
        self.0.pool().submit(submissions);
        if acknowledges_early() {
            (self.0.wake)();
        }
        if unused.events > 0 {
            self.0.pool().give_back(unused);
            if self.0.window().frontier.is_unread() {
                (self.0.wake)();
            }
        }
    }

    /// Says which of the events that were not delivered yet are settled, in any order; replaces what was said
    /// before. For transports whose broker delivers settled events again after a restart: one of them that is
    /// delivered is not handled and is acknowledged again, and the prefix does not wait for it.
    pub fn known_settled(&self, positions: Vec<Position>) {
        self.0.window().frontier.know_settled(positions);
    }

    /// Calls `visit` for what is settled behind an event that is not, oldest first, what was
    /// [known](Source::known_settled) and is not delivered yet included: what to say at the next start.
    pub fn settled_above(&self, visit: &mut dyn FnMut(Position)) {
        self.0.window().frontier.settled_above().for_each(visit);
    }

    /// Up to where everything is settled: for a broker that takes a prefix. Nothing, once lost.
    pub fn settled_prefix(&self) -> Option<Position> {
        if self.0.lost.load(Ordering::Acquire) {
            None
        } else if acknowledges_early() {
            self.0.window().frontier.newest()
        } else {
            self.0.window().frontier.prefix()
        }
    }

    /// What was settled since the last call, in the order of settling: for a broker that takes each.
    /// Nothing, once lost.
    pub fn take_settled(&self, into: &mut Vec<Position>) {
        if self.0.lost.load(Ordering::Acquire) {
            return;
        }
        let due = {
            let mut window = self.0.window();
            window.frontier.take_settled(into);
            window.due.take()
        };
        if let Some(due) = due {
            self.0.routes.sources.acknowledgements.done(due);
        }
    }

    /// What is to be given back to the broker since the last call, newest last.
    pub fn take_released(&self, into: &mut Vec<Position>) {
        self.0.window().frontier.take_released(into);
    }

    /// Calls `visit` for what is neither settled nor released, oldest first: what a broker has to hear of
    /// in time, so that it does not deliver it again.
    pub fn held(&self, visit: &mut dyn FnMut(Position)) {
        self.0.window().frontier.held().for_each(visit);
    }

    /// Begins to give the source up. The waker is called when it [is drained](Source::is_drained).
    pub fn revoke(&self, how: Revoke) {
        if how == Revoke::Lost {
            self.0.lost.store(true, Ordering::Release);
        }
        self.0.pool().revoke(how != Revoke::Drain);
    }

    /// Nothing of it is in the pool any more.
    pub fn is_drained(&self) -> bool {
        self.0.pool().held() == 0
    }
}

impl SourceShared {
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// From its oldest unsettled event to the newest taken.
    pub(super) fn span(&self) -> usize {
        self.window().frontier.span()
    }

    /// The event with this dense number is settled: it may be acknowledged.
    pub(super) fn settle(&self, number: u64) {
        self.mark(|window| {
            if window.due.is_none() {
                window.due = self.routes.sources.acknowledgements.due();
            }
            window.frontier.settle(number);
        });
    }

    /// The event with this dense number goes back to the broker.
    pub(super) fn release(&self, number: u64) {
        self.mark(|window| window.frontier.release(number));
    }

    fn mark(&self, mark: impl FnOnce(&mut Window)) {
        let unread = {
            let mut window = self.window();
            // A transport that waits for room in the window is woken too.
            let unread = window.frontier.is_unread() && !window.full;
            mark(&mut window);
            unread
        };
        // A transport that was woken and has not read yet will read this too.
        if !unread {
            (self.wake)();
        }
    }

    /// Tells the health report which event the full window waits for, or that there is room again.
    fn report_window(&self, oldest: Option<Position>) {
        let (group, source) = (self.routes.group.to_string(), self.name.to_string());
        let problem = oldest.map(|position| Problem::WindowFull {
            group: group.clone(),
            source: source.clone(),
            position,
        });
        let place = Place::Window { group, source };
        self.routes.board.expect(place, problem);
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pool(&self) -> &PoolSource<Dispatch> {
        self.pool.get().expect("set when the source was opened")
    }
}

/// A source that ends while its window is full waits for nothing any more.
impl Drop for SourceShared {
    fn drop(&mut self) {
        if self.window().full {
            self.report_window(None);
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.0.name)
            .field("epoch", &self.0.epoch)
            .finish_non_exhaustive()
    }
}
