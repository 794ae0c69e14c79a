//! Which source may add how much: a dynamic threshold on events and on bytes.
//!
//! A source may add while what it has is less than what is free (Choudhury and Hahne, "Dynamic Queue
//! Length Thresholds for Shared-Memory Packet Switches", 1998): O(1), no quotas, and a hog leaves half of
//! the room to the others.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Called, without a lock, when a source is to look again.
pub(super) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What a source may add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Grant {
    /// One more event of so many bytes.
    pub(crate) fn add(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }
}

pub(super) struct Admission {
    /// Fetched and not started: M.
    events: Budget,
    /// Held in all: B.
    bytes: Budget,
    sources: Vec<Slot>,
    free: Vec<u32>,
    /// Events and owed releases of all sources.
    held: usize,
    closed: bool,
    /// Sources that are to look again: woken when the pool's lock is free.
    wakes: Vec<Wake>,
}

/// A bound that sources share.
#[derive(Debug)]
struct Budget {
    limit: usize,
    used: usize,
    /// Refused sources, by how much has to be free for them to be asked again.
    waiting: BTreeSet<(usize, u32)>,
}

struct Slot {
    wake: Wake,
    /// Its part of the events' budget, reservations included.
    events: usize,
    /// Its part of the bytes' budget, reservations included.
    bytes: usize,
    reserved: Grant,
    /// Events that the pool has, and releases that it owes.
    held: usize,
    /// Events that found no room among the delayed.
    overflow: usize,
    waiting: Option<Waiting>,
    revoked: Revoked,
    /// Its handle is gone.
    orphaned: bool,
}

/// What a refused source waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Events(usize),
    Bytes(usize),
    /// That nothing of it is left: its next event is larger than its share of the bytes.
    Empty,
    /// That none of its events lacks room among the delayed.
    Overflow,
}

/// How far a source has been given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Revoked {
    No,
    /// Nothing of it starts.
    Drain,
    /// What runs is cancelled too.
    Cancel,
}

impl Admission {
    pub(super) fn new(events: usize, bytes: usize) -> Self {
        let budget = |limit| Budget {
            limit,
            used: 0,
            waiting: BTreeSet::new(),
        };
        Admission {
            events: budget(events),
            bytes: budget(bytes),
            sources: Vec::new(),
            free: Vec::new(),
            held: 0,
            closed: false,
            wakes: Vec::new(),
        }
    }

    pub(super) fn take_wakes(&mut self) -> Vec<Wake> {
        std::mem::take(&mut self.wakes)
    }

    pub(super) fn open(&mut self, wake: Wake) -> u32 {
        let slot = Slot {
            wake,
            events: 0,
            bytes: 0,
            reserved: Grant::default(),
            held: 0,
            overflow: 0,
            waiting: None,
            revoked: Revoked::No,
            orphaned: false,
        };
        if let Some(source) = self.free.pop() {
            self.sources[source as usize] = slot;
            return source;
        }
        self.sources.push(slot);
        u32::try_from(self.sources.len() - 1).expect("fewer than 2^32 sources")
    }

    /// The source's handle is gone: its slot is free once nothing of it is left.
    pub(super) fn orphan(&mut self, source: u32) {
        self.forget(source);
        let reserved = self.sources[source as usize].reserved;
        self.give_back(source, reserved);
        let slot = &mut self.sources[source as usize];
        slot.orphaned = true;
        if slot.held == 0 {
            self.free.push(source);
        }
    }

    /// No source may add any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.events.waiting.clear();
        self.bytes.waiting.clear();
        for slot in &mut self.sources {
            slot.waiting = None;
        }
    }

    pub(super) fn revoke(&mut self, source: u32, how: Revoked) {
        self.forget(source);
        let slot = &mut self.sources[source as usize];
        slot.revoked = slot.revoked.max(how);
    }

    pub(super) fn revoked(&self, source: u32) -> Revoked {
        self.sources[source as usize].revoked
    }

    pub(super) fn held_by(&self, source: u32) -> usize {
        self.sources[source as usize].held
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn buffered(&self) -> usize {
        self.events.used
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.used
    }

    /// Reserves room; see [`super::PoolSource::reserve`]. A source that gets none waits.
    pub(super) fn reserve(&mut self, source: u32, events: usize, bytes: usize) -> Grant {
        self.forget(source);
        let slot = &self.sources[source as usize];
        if self.closed || slot.revoked != Revoked::No || events == 0 {
            return Grant::default();
        }
        if slot.overflow > 0 {
            return self.wait(source, Waiting::Overflow);
        }
        let events_share = self.events.share(slot.events).min(events);
        if events_share == 0 {
            return self.wait(source, Waiting::Events(self.events.need(slot.events)));
        }
        let empty = slot.held == 0 && slot.reserved.events == 0;
        if bytes == usize::MAX && !empty {
            return self.wait(source, Waiting::Empty);
        }
        let bytes_share = self.bytes.share(slot.bytes).min(bytes);
        // Events without a byte, no key and no payload, need no room among the bytes.
        let lacks_bytes = bytes_share == 0 && bytes > 0;
        if bytes == usize::MAX || (lacks_bytes && empty) {
            // One event of any size: its bytes are counted when it comes.
            self.take(
                source,
                Grant {
                    events: 1,
                    bytes: 0,
                },
            );
            return Grant {
                events: 1,
                bytes: usize::MAX,
            };
        }
        if lacks_bytes {
            return self.wait(source, Waiting::Bytes(self.bytes.need(slot.bytes)));
        }
        let grant = Grant {
            events: events_share,
            bytes: bytes_share,
        };
        self.take(source, grant);
        grant
    }

    fn take(&mut self, source: u32, grant: Grant) {
        let slot = &mut self.sources[source as usize];
        slot.reserved.events += grant.events;
        slot.reserved.bytes += grant.bytes;
        slot.events += grant.events;
        slot.bytes += grant.bytes;
        self.events.used += grant.events;
        self.bytes.used += grant.bytes;
    }

    /// Returns what is left of a reservation, as far as it is one.
    pub(super) fn give_back(&mut self, source: u32, grant: Grant) {
        let slot = &mut self.sources[source as usize];
        let events = grant.events.min(slot.reserved.events);
        slot.reserved.events -= events;
        // Bytes are reserved for events: with the last of these goes what is left of them.
        let bytes = if slot.reserved.events == 0 {
            slot.reserved.bytes
        } else {
            grant.bytes.min(slot.reserved.bytes)
        };
        slot.reserved.bytes -= bytes;
        slot.events -= events;
        slot.bytes -= bytes;
        self.events.used -= events;
        self.bytes.used -= bytes;
        self.wake(source);
    }

    /// An event of so many bytes came: what was reserved for it is now its own.
    pub(super) fn add(&mut self, source: u32, bytes: usize) {
        let slot = &mut self.sources[source as usize];
        slot.held += 1;
        self.held += 1;
        let event = usize::from(slot.reserved.events > 0);
        slot.reserved.events -= event;
        slot.events += 1 - event;
        self.events.used += 1 - event;
        let reserved = slot.reserved.bytes.min(bytes);
        slot.reserved.bytes -= reserved;
        slot.bytes += bytes - reserved;
        self.bytes.used += bytes - reserved;
        if slot.reserved.events == 0 {
            let left = std::mem::take(&mut slot.reserved.bytes);
            slot.bytes -= left;
            self.bytes.used -= left;
        }
    }

    /// An event no longer counts as fetched and not started.
    pub(super) fn started(&mut self, source: u32) {
        self.sources[source as usize].events -= 1;
        self.events.used -= 1;
        self.wake(source);
    }

    /// An event counts as not started again, until it is clear what becomes of it.
    pub(super) fn restored(&mut self, source: u32) {
        self.sources[source as usize].events += 1;
        self.events.used += 1;
    }

    /// An event finds no room among the delayed: it counts as not started again, and stops its source.
    pub(super) fn overflows(&mut self, source: u32) {
        let slot = &mut self.sources[source as usize];
        slot.events += 1;
        slot.overflow += 1;
        self.events.used += 1;
    }

    /// Takes that back.
    pub(super) fn overflowed(&mut self, source: u32) {
        self.sources[source as usize].overflow -= 1;
        self.started(source);
    }

    /// The pool no longer keeps the event's bytes.
    pub(super) fn dropped(&mut self, source: u32, bytes: usize) {
        self.sources[source as usize].bytes -= bytes;
        self.bytes.used -= bytes;
        self.wake(source);
    }

    /// The event's settlement or release has been delivered: nothing of it is left. The last one of a
    /// revoked source wakes it.
    pub(super) fn gone(&mut self, source: u32) {
        self.held -= 1;
        let slot = &mut self.sources[source as usize];
        slot.held -= 1;
        if slot.held > 0 {
            return;
        }
        if slot.orphaned {
            self.free.push(source);
        } else if slot.revoked != Revoked::No || self.closed {
            self.wakes.push(Arc::clone(&slot.wake));
        } else {
            self.wake(source);
        }
    }

    /// Finds who is to be asked again after something of `source` went.
    fn wake(&mut self, source: u32) {
        let slot = &self.sources[source as usize];
        match slot.waiting {
            Some(Waiting::Empty) if slot.held == 0 && slot.reserved.events == 0 => self.ask(source),
            Some(Waiting::Overflow) if slot.overflow == 0 => self.ask(source),
            // What it has shrank, and with it what it needs.
            Some(Waiting::Events(old)) => {
                let need = self.events.need(slot.events);
                self.events.waiting.remove(&(old, source));
                self.wait(source, Waiting::Events(need));
            }
            Some(Waiting::Bytes(_)) if slot.held == 0 && slot.reserved.events == 0 => {
                self.ask(source);
            }
            Some(Waiting::Bytes(old)) => {
                let need = self.bytes.need(slot.bytes);
                self.bytes.waiting.remove(&(old, source));
                self.wait(source, Waiting::Bytes(need));
            }
            _ => {}
        }
        while let Some(next) = self.events.next().or_else(|| self.bytes.next()) {
            self.ask(next);
        }
    }

    fn wait(&mut self, source: u32, waiting: Waiting) -> Grant {
        self.sources[source as usize].waiting = Some(waiting);
        match waiting {
            Waiting::Events(need) => drop(self.events.waiting.insert((need, source))),
            Waiting::Bytes(need) => drop(self.bytes.waiting.insert((need, source))),
            Waiting::Empty | Waiting::Overflow => {}
        }
        Grant::default()
    }

    fn ask(&mut self, source: u32) {
        self.forget(source);
        self.wakes
            .push(Arc::clone(&self.sources[source as usize].wake));
    }

    fn forget(&mut self, source: u32) {
        match self.sources[source as usize].waiting.take() {
            Some(Waiting::Events(need)) => drop(self.events.waiting.remove(&(need, source))),
            Some(Waiting::Bytes(need)) => drop(self.bytes.waiting.remove(&(need, source))),
            _ => {}
        }
    }
}

impl Budget {
    fn free(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    /// How much a source that has `own` may add: until it has as much as is free.
    fn share(&self, own: usize) -> usize {
        self.free().saturating_sub(own).div_ceil(2)
    }

    /// How much has to be free before a refused source is asked again: a little more than it has, so that
    /// it is not asked for every single event.
    fn need(&self, own: usize) -> usize {
        own + 1 + self.limit / 64
    }

    /// The source that needs least, if that much is free.
    fn next(&self) -> Option<u32> {
        self.waiting
            .first()
            .filter(|(need, _)| *need <= self.free())
            .map(|(_, source)| *source)
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admission")
            .field("events", &self.events)
            .field("bytes", &self.bytes)
            .field("sources", &self.sources)
            .field("held", &self.held)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("events", &self.events)
            .field("bytes", &self.bytes)
            .field("reserved", &self.reserved)
            .field("held", &self.held)
            .field("overflow", &self.overflow)
            .field("waiting", &self.waiting)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}
