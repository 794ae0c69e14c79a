//! Runners whose handler waits: how they are woken to be cancelled, and when they run out of time.

use super::slab::NIL;
use std::task::Waker;
use std::time::Duration;
use tokio::time::Instant;

/// Why a waiting handler is cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancel {
    TimedOut,
    Released,
}

/// Entries whose memory is kept when none is suspended.
const KEPT: usize = 64;

/// Suspended runners. A subscription's timeout is constant, so its runners expire in the order in which
/// they were suspended: a linked list for each, and no timer for each event.
#[derive(Debug)]
pub(super) struct Suspended {
    entries: Vec<Entry>,
    free: Vec<u32>,
    queues: Vec<Queue>,
    linked: usize,
    /// Nothing expires sooner. May be too early: what was removed is not looked for.
    earliest: Option<Instant>,
}

#[derive(Debug)]
struct Entry {
    waker: Option<Waker>,
    since: Instant,
    /// It is asked to say that it is stuck.
    asked: bool,
    deadline: Instant,
    cancel: Option<Cancel>,
    source: u32,
    queue: u32,
    linked: bool,
    before: u32,
    behind: u32,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    first: u32,
    last: u32,
    /// The first that was not asked whether it is stuck.
    unasked: u32,
}

impl Suspended {
    pub(super) fn new(subscriptions: usize) -> Self {
        let queues = vec![
            Queue {
                first: NIL,
                last: NIL,
                unasked: NIL,
            };
            subscriptions
        ];
        Suspended {
            entries: Vec::new(),
            free: Vec::new(),
            queues,
            linked: 0,
            earliest: None,
        }
    }

    pub(super) fn insert(
        &mut self,
        subscription: u32,
        source: u32,
        waker: Waker,
        since: Instant,
        deadline: Instant,
    ) -> u32 {
        let queue = &mut self.queues[subscription as usize];
        let entry = Entry {
            waker: Some(waker),
            since,
            asked: false,
            deadline,
            cancel: None,
            source,
            queue: subscription,
            linked: true,
            before: queue.last,
            behind: NIL,
        };
        let index = if let Some(index) = self.free.pop() {
            self.entries[index as usize] = entry;
            index
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("fewer than 2^32 runners")
        };
        if queue.unasked == NIL {
            queue.unasked = index;
        }
        let before = std::mem::replace(&mut queue.last, index);
        if before == NIL {
            queue.first = index;
        } else {
            self.entries[before as usize].behind = index;
        }
        self.linked += 1;
        self.earliest = Some(
            self.earliest
                .map_or(deadline, |earliest| earliest.min(deadline)),
        );
        index
    }

    pub(super) fn remove(&mut self, index: u32) {
        self.unlink(index);
        self.entries[index as usize].waker = None;
        self.free.push(index);
        if self.free.len() == self.entries.len() && self.entries.len() > KEPT {
            // Nothing is suspended: a burst's memory is given back.
            self.entries = Vec::new();
            self.free = Vec::new();
        }
    }

    /// Keeps the runner's newest waker; says whether it has been cancelled.
    pub(super) fn renew(&mut self, index: u32, waker: &Waker) -> Option<Cancel> {
        let entry = &mut self.entries[index as usize];
        if let Some(known) = &mut entry.waker {
            known.clone_from(waker);
        }
        entry.cancel
    }

    /// Whether, and why, the runner has been cancelled; else since when it waits, where it is asked to say so.
    pub(super) fn wanted(&mut self, index: u32) -> (Option<Cancel>, Option<Instant>) {
        let entry = &mut self.entries[index as usize];
        let asked = std::mem::take(&mut entry.asked);
        (entry.cancel, asked.then_some(entry.since))
    }

    /// Asks the runners to say so that have waited for so long and were not asked yet. Those of a subscription were
    /// suspended in the order of its list.
    pub(super) fn ask(&mut self, now: Instant, long: Duration, wakers: &mut Vec<Waker>) {
        for queue in &mut self.queues {
            while queue.unasked != NIL {
                let entry = &mut self.entries[queue.unasked as usize];
                if now.saturating_duration_since(entry.since) < long {
                    break;
                }
                entry.asked = true;
                wakers.extend(entry.waker.clone());
                queue.unasked = entry.behind;
            }
        }
    }

    /// Cancels the runners of the sources that `which` names.
    pub(super) fn cancel(&mut self, which: impl Fn(u32) -> bool, wakers: &mut Vec<Waker>) {
        for entry in &mut self.entries {
            if let Some(waker) = &entry.waker
                && which(entry.source)
            {
                entry.cancel = Some(Cancel::Released);
                wakers.push(waker.clone());
            }
        }
    }

    /// Cancels the runners whose time is over, once the earliest may be. O(subscriptions) then.
    pub(super) fn expire(&mut self, now: Instant, wakers: &mut Vec<Waker>) {
        if self.earliest.is_none_or(|earliest| earliest > now) {
            return;
        }
        for queue in 0..self.queues.len() {
            loop {
                let first = self.queues[queue].first;
                if first == NIL || self.entries[first as usize].deadline > now {
                    break;
                }
                self.unlink(first);
                let entry = &mut self.entries[first as usize];
                entry.cancel.get_or_insert(Cancel::TimedOut);
                wakers.extend(entry.waker.clone());
            }
        }
        let firsts = self.queues.iter().filter(|queue| queue.first != NIL);
        self.earliest = firsts
            .map(|queue| self.entries[queue.first as usize].deadline)
            .min();
    }

    /// No runner expires before this. O(1), for it is asked after every event.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.earliest
    }

    fn unlink(&mut self, index: u32) {
        let entry = &mut self.entries[index as usize];
        if !std::mem::take(&mut entry.linked) {
            return;
        }
        self.linked -= 1;
        if self.linked == 0 {
            self.earliest = None;
        }
        let (before, behind, queue) = (entry.before, entry.behind, entry.queue as usize);
        if self.queues[queue].unasked == index {
            self.queues[queue].unasked = behind;
        }
        if before == NIL {
            self.queues[queue].first = behind;
        } else {
            self.entries[before as usize].behind = behind;
        }
        if behind == NIL {
            self.queues[queue].last = before;
        } else {
            self.entries[behind as usize].before = before;
        }
    }
}
