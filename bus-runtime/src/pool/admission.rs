//! Which source may add how much, of the events (M) and of the bytes (B); who is asked again, and when.

use super::budget::{Budget, Refused};
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
    /// Sources that may add.
    open: usize,
    /// Events and owed releases of all sources.
    held: usize,
    closed: bool,
    /// Sources that are to look again: woken when the pool's lock is free.
    wakes: Vec<Wake>,
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
    /// It adds nothing any more.
    ended: bool,
    /// Its handle is gone.
    orphaned: bool,
}

/// What a refused source waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    Events(Refused),
    /// Room for so many bytes, or that nothing of it is left.
    Bytes(Refused, usize),
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
        Admission {
            events: Budget::new(events),
            bytes: Budget::new(bytes),
            sources: Vec::new(),
            free: Vec::new(),
            open: 0,
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
            ended: false,
            orphaned: false,
        };
        let source = if let Some(source) = self.free.pop() {
            self.sources[source as usize] = slot;
            source
        } else {
            self.sources.push(slot);
            u32::try_from(self.sources.len() - 1).expect("fewer than 2^32 sources")
        };
        self.events.opened();
        self.bytes.opened();
        self.open += 1;
        self.share_floors();
        source
    }

    /// The source's handle is gone: its slot is free once nothing of it is left.
    pub(super) fn orphan(&mut self, source: u32) {
        self.end(source);
        let slot = &mut self.sources[source as usize];
        slot.orphaned = true;
        let (reserved, held) = (slot.reserved, slot.held);
        self.give_back(source, reserved);
        if held == 0 {
            self.free.push(source);
        }
    }

    /// No source may add any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.events.clear();
        self.bytes.clear();
        for slot in &mut self.sources {
            slot.waiting = None;
        }
    }

    pub(super) fn revoke(&mut self, source: u32, how: Revoked) {
        self.end(source);
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
        self.events.used()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.used()
    }

    /// Reserves room; see [`super::PoolSource::reserve`]. A source that gets none waits.
    pub(super) fn reserve(
        &mut self,
        source: u32,
        events: usize,
        bytes: usize,
        least: usize,
    ) -> Grant {
        self.forget(source);
        let slot = &self.sources[source as usize];
        if self.closed || slot.ended || events == 0 {
            return Grant::default();
        }
        if slot.overflow > 0 {
            return self.wait(source, Waiting::Overflow);
        }
        let events_share = self.events.share(slot.events).min(events);
        if events_share == 0 {
            return self.wait_for_events(source);
        }
        let bytes_share = self.bytes.share(slot.bytes).min(bytes);
        if bytes_share >= least {
            let grant = Grant {
                events: events_share,
                bytes: bytes_share,
            };
            self.take(source, grant);
            return grant;
        }
        if slot.held > 0 || slot.reserved.events > 0 {
            return self.wait_for_bytes(source, least);
        }
        // One event of any size: its bytes are counted when it comes.
        self.take(
            source,
            Grant {
                events: 1,
                bytes: 0,
            },
        );
        Grant {
            events: 1,
            bytes: usize::MAX,
        }
    }

    fn take(&mut self, source: u32, grant: Grant) {
        let reserved = &mut self.sources[source as usize].reserved;
        reserved.events += grant.events;
        reserved.bytes += grant.bytes;
        self.change(source, |slot| {
            slot.events += grant.events;
            slot.bytes += grant.bytes;
        });
    }

    /// Returns what is left of a reservation, as far as it is one.
    pub(super) fn give_back(&mut self, source: u32, grant: Grant) {
        let slot = &mut self.sources[source as usize];
        let events = grant.events.min(slot.reserved.events);
        slot.reserved.events -= events;
        // Bytes are reserved for events: with the last of these goes what is left of them.
        let none_left = slot.reserved.events == 0;
        let bytes = if none_left {
            slot.reserved.bytes
        } else {
            grant.bytes.min(slot.reserved.bytes)
        };
        slot.reserved.bytes -= bytes;
        self.change(source, |slot| {
            slot.events -= events;
            slot.bytes -= bytes;
        });
        self.wake(source);
    }

    /// An event of so many bytes came: what was reserved for it is now its own.
    pub(super) fn add(&mut self, source: u32, bytes: usize) {
        self.held += 1;
        let slot = &mut self.sources[source as usize];
        slot.held += 1;
        let reserved_event = usize::from(slot.reserved.events > 0);
        slot.reserved.events -= reserved_event;
        let mut reserved_bytes = slot.reserved.bytes.min(bytes);
        if slot.reserved.events == 0 {
            reserved_bytes = slot.reserved.bytes;
        }
        slot.reserved.bytes -= reserved_bytes;
        self.change(source, |slot| {
            slot.events = slot.events + 1 - reserved_event;
            slot.bytes = slot.bytes + bytes - reserved_bytes;
        });
    }

    /// An event no longer counts as fetched and not started.
    pub(super) fn started(&mut self, source: u32) {
        self.change(source, |slot| slot.events -= 1);
        self.wake(source);
    }

    /// An event counts as not started again, until it is clear what becomes of it.
    pub(super) fn restored(&mut self, source: u32) {
        self.change(source, |slot| slot.events += 1);
    }

    /// An event finds no room among the delayed: it counts as not started again, and stops its source.
    pub(super) fn overflows(&mut self, source: u32) {
        self.sources[source as usize].overflow += 1;
        self.restored(source);
    }

    /// Takes that back.
    pub(super) fn overflowed(&mut self, source: u32) {
        self.sources[source as usize].overflow -= 1;
        self.started(source);
    }

    /// The pool no longer keeps the event's bytes.
    pub(super) fn dropped(&mut self, source: u32, bytes: usize) {
        self.change(source, |slot| slot.bytes -= bytes);
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

    /// Changes what a source has of the budgets.
    fn change(&mut self, source: u32, change: impl FnOnce(&mut Slot)) {
        let slot = &mut self.sources[source as usize];
        let (events, bytes) = (slot.events, slot.bytes);
        change(slot);
        self.events.moved(events, slot.events, !slot.ended);
        self.bytes.moved(bytes, slot.bytes, !slot.ended);
    }

    /// The source adds nothing any more: its floors are the others'.
    fn end(&mut self, source: u32) {
        self.forget(source);
        let slot = &mut self.sources[source as usize];
        if std::mem::replace(&mut slot.ended, true) {
            return;
        }
        self.events.ended(slot.events);
        self.bytes.ended(slot.bytes);
        self.open -= 1;
        self.share_floors();
        self.wake_others();
    }

    /// Gives each open source its floor, where their number calls for another one.
    fn share_floors(&mut self) {
        let open = self.open.max(1);
        let floor = self.events.floor_of(open);
        if floor != self.events.floor() {
            let own = self
                .sources
                .iter()
                .filter(|slot| !slot.ended)
                .map(|slot| slot.events);
            self.events.set_floor(floor, own);
        }
        let floor = self.bytes.floor_of(open);
        if floor != self.bytes.floor() {
            let own = self
                .sources
                .iter()
                .filter(|slot| !slot.ended)
                .map(|slot| slot.bytes);
            self.bytes.set_floor(floor, own);
        }
    }

    /// Finds who is to be asked again after something of `source` went.
    fn wake(&mut self, source: u32) {
        let slot = &self.sources[source as usize];
        match slot.waiting {
            Some(Waiting::Overflow) if slot.overflow == 0 => self.ask(source),
            // What it has shrank, and with it what it needs.
            Some(Waiting::Events(_)) => {
                self.forget(source);
                self.wait_for_events(source);
            }
            Some(Waiting::Bytes(..)) if slot.held == 0 && slot.reserved.events == 0 => {
                self.ask(source);
            }
            Some(Waiting::Bytes(_, want)) => {
                self.forget(source);
                self.wait_for_bytes(source, want);
            }
            _ => {}
        }
        self.wake_others();
    }

    fn wake_others(&mut self) {
        while let Some(next) = self.events.next().or_else(|| self.bytes.next()) {
            self.ask(next);
        }
    }

    fn wait_for_events(&mut self, source: u32) -> Grant {
        let own = self.sources[source as usize].events;
        let refused = self.events.refuse(source, own, 1, true);
        self.wait(source, Waiting::Events(refused))
    }

    fn wait_for_bytes(&mut self, source: u32, want: usize) -> Grant {
        let own = self.sources[source as usize].bytes;
        let refused = self.bytes.refuse(source, own, want, want == 1);
        self.wait(source, Waiting::Bytes(refused, want))
    }

    fn wait(&mut self, source: u32, waiting: Waiting) -> Grant {
        self.sources[source as usize].waiting = Some(waiting);
        Grant::default()
    }

    fn ask(&mut self, source: u32) {
        self.forget(source);
        self.wakes
            .push(Arc::clone(&self.sources[source as usize].wake));
    }

    fn forget(&mut self, source: u32) {
        match self.sources[source as usize].waiting.take() {
            Some(Waiting::Events(refused)) => self.events.forget(source, refused),
            Some(Waiting::Bytes(refused, _)) => self.bytes.forget(source, refused),
            Some(Waiting::Overflow) | None => {}
        }
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
