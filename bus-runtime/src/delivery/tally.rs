//! What became of a subscription's events, counted.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Why an event became a dead letter: `bus-dead-reason` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DeadReason {
    /// The handler said that trying again is of no use.
    Permanent,
    /// Every attempt failed.
    Exhausted,
    /// The event or its key could not be decoded.
    Undecodable,
    /// Every attempt failed, the last by running out of time.
    Timeout,
    /// Every attempt failed, the last by a panic.
    Panic,
}

impl DeadReason {
    /// Every reason, in the order of a [`Count`].
    pub(crate) const ALL: [DeadReason; 5] = [
        DeadReason::Permanent,
        DeadReason::Exhausted,
        DeadReason::Undecodable,
        DeadReason::Timeout,
        DeadReason::Panic,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            DeadReason::Permanent => "permanent",
            DeadReason::Exhausted => "exhausted",
            DeadReason::Undecodable => "undecodable",
            DeadReason::Timeout => "timeout",
            DeadReason::Panic => "panic",
        }
    }

    /// The reason of that word, if it is one.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for DeadReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The counters of one subscription.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    handled: AtomicU64,
    skipped: AtomicU64,
    retried: AtomicU64,
    dead: [AtomicU64; DeadReason::ALL.len()],
    released: AtomicU64,
    refused: AtomicU64,
    cancelled: AtomicU64,
    brakes: AtomicU64,
    braked: AtomicBool,
    held: AtomicUsize,
}

/// The counters of one subscription at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) handled: u64,
    pub(crate) skipped: u64,
    pub(crate) retried: u64,
    pub(crate) dead: [u64; DeadReason::ALL.len()],
    pub(crate) released: u64,
    /// Times a dead letter could not be stored.
    pub(crate) refused: u64,
    pub(crate) cancelled: u64,
    /// Times the subscription was braked.
    pub(crate) brakes: u64,
    pub(crate) braked: bool,
    /// Events that are held, since the subscription may be to blame.
    pub(crate) held: usize,
}

impl Tally {
    pub(crate) fn handled(&self) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn skipped(&self) {
        self.skipped.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn dead(&self, reason: DeadReason) {
        self.dead[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn released(&self) {
        self.released.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether the subscription is braked now, and how many of its events are held.
    pub(crate) fn brakes(&self, braked: bool, held: usize) {
        if !self.braked.swap(braked, Ordering::Relaxed) && braked {
            self.brakes.fetch_add(1, Ordering::Relaxed);
        }
        self.held.store(held, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> Count {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Count {
            handled: read(&self.handled),
            skipped: read(&self.skipped),
            retried: read(&self.retried),
            dead: std::array::from_fn(|at| read(&self.dead[at])),
            released: read(&self.released),
            refused: read(&self.refused),
            cancelled: read(&self.cancelled),
            brakes: read(&self.brakes),
            braked: self.braked.load(Ordering::Relaxed),
            held: self.held.load(Ordering::Relaxed),
        }
    }
}
