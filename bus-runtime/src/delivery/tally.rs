//! What became of a subscription's events, counted.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

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
}

/// The counters of one subscription at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) handled: u64,
    pub(crate) skipped: u64,
    pub(crate) retried: u64,
    pub(crate) dead: [u64; DeadReason::ALL.len()],
    pub(crate) released: u64,
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

    pub(crate) fn count(&self) -> Count {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Count {
            handled: read(&self.handled),
            skipped: read(&self.skipped),
            retried: read(&self.retried),
            dead: std::array::from_fn(|at| read(&self.dead[at])),
            released: read(&self.released),
        }
    }
}
