//! The pool as a pure data structure: no lock, no task, no clock of its own.
//!
//! A *strand* is the events of one identity (subscription and key) in order. Its head is ready, running,
//! delayed or settling; its followers are reachable only through it, so that none can start before it is
//! settled. A table maps an identity to its strand's tail: an idle key has no entry.

mod brakes;
mod count;
mod sweep;

use super::admission::{Admission, Revoked};
use super::brake::Brake;
use super::handle::{Limits, Share};
use super::slab::{Counted, NIL, Node, Place, Slab};
use super::suspended::Suspended;
use super::work::{Brakes, Ticket};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// Events of one subscription in a row before the next one's turn.
const QUANTUM: u32 = 8;

#[derive(Debug)]
pub(super) struct Core<E> {
    slab: Slab<E>,
    tails: HashTable<u32>,
    subscriptions: Vec<Subscription>,
    /// Subscriptions with ready events and room under their share, in turn.
    ring: VecDeque<u32>,
    delayed: BinaryHeap<Reverse<(Instant, Ticket)>>,
    pub(super) suspended: Suspended,
    pub(super) admission: Admission,
    in_flight: usize,
    in_flight_limit: usize,
    /// Events that count as delayed: D.
    waiting: usize,
    waiting_limit: usize,
    /// Events that found D full.
    overflow: usize,
    /// The same, in the order in which they did; some have gone on since.
    overflowed: VecDeque<Ticket>,
    /// When a probe of a braked subscription may start.
    probes: BTreeSet<(Instant, u32)>,
    /// What changed about the brakes and was not told yet.
    news: VecDeque<Brakes>,
    pub(super) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// Nothing starts any more; what runs may end.
    Closed,
    /// What runs is cancelled.
    Cancelled,
}

#[derive(Debug)]
struct Subscription {
    timeout: Duration,
    at_most: usize,
    first: u32,
    last: u32,
    in_flight: usize,
    /// Events taken since its turn began.
    taken: u32,
    in_ring: bool,
    brake: Brake,
    /// Events that have no attempt left and are held.
    held: usize,
    /// Events that found no room among the delayed.
    overflow: usize,
}

/// An event to run.
#[derive(Debug)]
pub(super) struct Run<E> {
    pub(super) index: u32,
    pub(super) subscription: u32,
    pub(super) source: u32,
    pub(super) attempt: u32,
    pub(super) event: E,
}

/// An event whose dead letter is to be stored again.
#[derive(Debug)]
pub(super) struct Burial<E> {
    pub(super) ticket: Ticket,
    pub(super) event: E,
    pub(super) nth: u32,
}

/// Events taken out of the pool that are owed a release, with their sources.
pub(super) type Released<E> = Vec<(u32, E)>;

impl<E> Core<E> {
    pub(super) fn new(
        limits: Limits,
        admission: Admission,
        subscriptions: impl ExactSizeIterator<Item = Share>,
    ) -> Self {
        Core {
            slab: Slab::new(),
            tails: HashTable::new(),
            suspended: Suspended::new(subscriptions.len()),
            subscriptions: subscriptions
                .map(|share| Subscription {
                    timeout: share.timeout,
                    at_most: share.at_most,
                    first: NIL,
                    last: NIL,
                    in_flight: 0,
                    taken: 0,
                    in_ring: false,
                    brake: Brake::new(limits.brake.filter(|_| share.brakes)),
                    held: 0,
                    overflow: 0,
                })
                .collect(),
            ring: VecDeque::new(),
            delayed: BinaryHeap::new(),
            admission,
            in_flight: 0,
            in_flight_limit: limits.in_flight,
            waiting: 0,
            waiting_limit: limits.delayed,
            overflow: 0,
            overflowed: VecDeque::new(),
            probes: BTreeSet::new(),
            news: VecDeque::new(),
            phase: Phase::Running,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether events found no room among the delayed.
    pub(super) fn is_overflowing(&self) -> bool {
        self.overflow > 0
    }

    /// The subscriptions of those events.
    pub(super) fn overflowing(&self) -> Vec<usize> {
        let subscriptions = self.subscriptions.iter().enumerate();
        let overflowing = subscriptions.filter(|(_, subscription)| subscription.overflow > 0);
        overflowing.map(|(at, _)| at).collect()
    }

    pub(super) fn timeout(&self, subscription: u32) -> Duration {
        self.subscriptions[subscription as usize].timeout
    }

    /// Whether events of this source may still start, be tried again or be buried.
    pub(super) fn goes_on(&self, source: u32) -> bool {
        self.phase == Phase::Running && self.admission.revoked(source) == Revoked::No
    }

    /// Whether what runs of this source is to be cancelled.
    pub(super) fn cancels(&self, source: u32) -> bool {
        self.phase == Phase::Cancelled || self.admission.revoked(source) == Revoked::Cancel
    }

    /// Adds an event behind its strand; gives it back where nothing of its source starts any more.
    pub(super) fn push(
        &mut self,
        source: u32,
        subscription: u32,
        identity: u64,
        bytes: usize,
        event: E,
    ) -> Result<(), E> {
        self.admission.add(source, bytes);
        if !self.goes_on(source) {
            self.admission.started(source);
            self.admission.dropped(source, bytes);
            return Err(event);
        }
        let index = self
            .slab
            .insert(event, identity, subscription, source, bytes);
        if identity != 0 {
            let slab = &self.slab;
            let same = |tail: &u32| slab.get(*tail).identity == identity;
            match self
                .tails
                .entry(identity, same, |tail| slab.get(*tail).identity)
            {
                Entry::Occupied(mut entry) => {
                    let tail = std::mem::replace(entry.get_mut(), index);
                    self.slab.get_mut(tail).follower = index;
                    return Ok(());
                }
                Entry::Vacant(entry) => drop(entry.insert(index)),
            }
        }
        self.make_ready(index);
        Ok(())
    }

    /// Takes the next event to run, by turns between the subscriptions.
    pub(super) fn pop(&mut self) -> Option<Run<E>> {
        if self.in_flight >= self.in_flight_limit || self.phase != Phase::Running {
            return None;
        }
        let turn = *self.ring.front()?;
        let probes = self.subscriptions[turn as usize].brake.is_on();
        if probes {
            self.choose_probe(turn);
        }
        let subscription = &mut self.subscriptions[turn as usize];
        let index = subscription.first;
        let node = self.slab.get_mut(index);
        subscription.first = std::mem::replace(&mut node.link, NIL);
        if subscription.first == NIL {
            subscription.last = NIL;
        }
        subscription.in_flight += 1;
        subscription.taken += 1;
        if subscription.first == NIL || subscription.in_flight >= subscription.at_most || probes {
            subscription.in_ring = false;
            subscription.taken = 0;
            self.ring.pop_front();
        } else if subscription.taken >= QUANTUM {
            subscription.taken = 0;
            self.ring.rotate_left(1);
        }
        self.in_flight += 1;
        if probes {
            self.probe_starts(turn, index);
        }
        let node = self.slab.get_mut(index);
        node.place = Place::Running;
        node.attempts += 1;
        let event = node.event.take().expect("a ready node has its event");
        let (source, attempt) = (node.source, node.attempts);
        self.count(index, Counted::InFlight);
        Some(Run {
            index,
            subscription: turn,
            source,
            attempt,
            event,
        })
    }

    /// The event that ran is settled: its strand goes on.
    pub(super) fn settled(&mut self, index: u32) {
        self.succeeded(index);
        self.slot_back(index);
        self.leave(index);
    }

    /// The event that ran is tried again at `due`; it stays the head of its strand and holds no slot.
    pub(super) fn retry(&mut self, index: u32, event: E, due: Instant) {
        self.slot_back(index);
        self.delay(index, event, due);
    }

    /// The event that ran is being buried; it stays the head of its strand and holds no slot.
    pub(super) fn bury(&mut self, index: u32) -> (Ticket, u32) {
        self.slot_back(index);
        self.set_aside(index, Place::Settling);
        self.hold_no_more(index);
        let node = self.slab.get_mut(index);
        node.burials = 1;
        (self.slab.ticket(index), 1)
    }

    /// The dead letter is stored and the event settled: its strand goes on.
    pub(super) fn buried(&mut self, ticket: Ticket) {
        debug_assert!(self.slab.is_current(ticket), "a burial ends once");
        self.leave(ticket.index);
    }

    /// The dead letter could not be stored: again at `due`, or never, where nothing goes on.
    pub(super) fn bury_later(&mut self, ticket: Ticket, event: E, due: Instant) -> Result<(), E> {
        debug_assert!(self.slab.is_current(ticket), "a burial ends once");
        if !self.goes_on(self.slab.get(ticket.index).source) {
            return Err(event);
        }
        self.delay(ticket.index, event, due);
        Ok(())
    }

    /// The event that ran is given back; its release is owed. None of its source's events is behind it: they
    /// were released when the source was given up, and none has come since.
    pub(super) fn release(&mut self, index: u32, event: E) -> Released<E> {
        self.slot_back(index);
        self.give_up(index, event)
    }

    /// A buried event is given back.
    pub(super) fn release_buried(&mut self, ticket: Ticket, event: E) -> Released<E> {
        debug_assert!(self.slab.is_current(ticket), "a burial ends once");
        self.give_up(ticket.index, event)
    }

    /// Makes what is due ready; gives out the burials that are due.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Burial<E>> {
        let mut burials = Vec::new();
        while let Some(Reverse((due, ticket))) = self.delayed.peek().copied() {
            if due > now {
                break;
            }
            self.delayed.pop();
            if !self.slab.is_current(ticket) {
                continue;
            }
            let node = self.slab.get_mut(ticket.index);
            if node.burials == 0 {
                // It counts as delayed until it starts: a slot may be long in coming.
                self.make_ready(ticket.index);
                continue;
            }
            node.burials = node.burials.saturating_add(1);
            node.place = Place::Settling;
            let event = node.event.take().expect("a delayed node has its event");
            burials.push(Burial {
                ticket,
                event,
                nth: node.burials.into(),
            });
        }
        self.allow_probes(now);
        burials
    }

    /// When the next retry, timeout or probe is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let retry = self.delayed.peek().map(|Reverse((due, _))| *due);
        [retry, self.suspended.next_deadline(), self.next_probe()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Nothing starts any more, and what runs is cancelled.
    pub(super) fn stop(&mut self) {
        self.phase = Phase::Cancelled;
        self.admission.close();
    }

    /// The subscriptions of the events that run, with how many.
    pub(super) fn running(&self) -> Vec<(usize, usize)> {
        let running = self
            .subscriptions
            .iter()
            .map(|subscription| subscription.in_flight);
        running
            .enumerate()
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    fn make_ready(&mut self, index: u32) {
        let node = self.slab.get_mut(index);
        node.place = Place::Ready;
        node.link = NIL;
        let turn = node.subscription;
        let subscription = &mut self.subscriptions[turn as usize];
        let last = std::mem::replace(&mut subscription.last, index);
        if last == NIL {
            subscription.first = index;
        } else {
            self.slab.get_mut(last).link = index;
        }
        self.take_turn(turn);
    }

    fn take_turn(&mut self, turn: u32) {
        let subscription = &mut self.subscriptions[turn as usize];
        if !subscription.in_ring
            && subscription.first != NIL
            && subscription.in_flight < subscription.at_most
            && subscription.brake.lets_start()
        {
            subscription.in_ring = true;
            self.ring.push_back(turn);
        }
    }

    /// The event's handler no longer runs. Until it is counted elsewhere it counts as buffered.
    fn slot_back(&mut self, index: u32) {
        let turn = self.slab.get(index).subscription;
        self.in_flight -= 1;
        self.subscriptions[turn as usize].in_flight -= 1;
        self.take_turn(turn);
        self.count(index, Counted::Buffered);
    }

    fn delay(&mut self, index: u32, event: E, due: Instant) {
        self.set_aside(index, Place::Delayed);
        self.slab.get_mut(index).event = Some(event);
        self.delayed.push(Reverse((due, self.slab.ticket(index))));
    }

    /// The event is settled: it leaves, and its follower is the head.
    fn leave(&mut self, index: u32) {
        self.uncount(index);
        self.hold_no_more(index);
        let &Node {
            identity,
            follower,
            source,
            bytes,
            ..
        } = self.slab.get(index);
        self.admission.dropped(source, bytes);
        if identity != 0 {
            if follower == NIL {
                let entry = self.tails.find_entry(identity, |tail| *tail == index);
                entry
                    .expect("the last event of a strand is its tail")
                    .remove();
            } else {
                self.make_ready(follower);
            }
        }
        self.slab.remove(index);
        self.slab.shrink();
        self.admission.gone(source);
    }
}
