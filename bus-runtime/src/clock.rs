//! The bus's clock, and moments to come.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

/// What counts as never: the clock itself, and tokio's timer on top of it, overflow with much more.
pub(crate) const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The moment so far from now; thirty years from now for what is farther.
pub(crate) fn after(duration: Duration) -> Instant {
    Instant::now() + duration.min(NEVER)
}

/// The clock that the pool goes by: tokio's, and in a test ahead of it by what was skipped. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock(Option<Arc<Ahead>>);

#[derive(Debug, Default)]
struct Ahead {
    by: Mutex<Duration>,
    stirred: Notify,
}

impl Clock {
    /// A clock that can be skipped.
    pub(crate) fn skippable() -> Self {
        Clock(Some(Arc::default()))
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now() + self.ahead()
    }

    /// The moment so far from now; thirty years from now for what is farther.
    pub(crate) fn after(&self, duration: Duration) -> Instant {
        self.later(Instant::now(), duration)
    }

    /// The same, where tokio's clock was read already.
    pub(crate) fn later(&self, now: Instant, duration: Duration) -> Instant {
        now + duration.min(NEVER) + self.ahead()
    }

    /// How far it is ahead of tokio's.
    pub(crate) fn ahead(&self) -> Duration {
        let ahead = self.0.as_ref();
        ahead.map_or(Duration::ZERO, |ahead| *ahead.by())
    }

    /// How long until this moment.
    pub(crate) fn until(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.now())
    }

    /// Skips so much, thirty years at most.
    pub(crate) fn skip(&self, time: Duration) {
        if let Some(ahead) = &self.0 {
            *ahead.by() += time.min(NEVER);
        }
    }

    /// Something has changed: it may be time to skip.
    pub(crate) fn stir(&self) {
        if let Some(ahead) = &self.0 {
            ahead.stirred.notify_waiters();
        }
    }

    /// Resolves at the next change after this was called, on a clock that can be skipped; else never.
    pub(crate) fn stirred(&self) -> Option<Notified<'_>> {
        // From its making on it hears of every change.
        self.0.as_ref().map(|ahead| ahead.stirred.notified())
    }
}

impl Ahead {
    fn by(&self) -> MutexGuard<'_, Duration> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forever_is_a_moment() {
        assert!(after(Duration::MAX) > after(Duration::from_hours(24)));
    }

    #[test]
    fn a_skipped_clock_is_ahead() {
        let clock = Clock::skippable();
        let (before, day) = (clock.now(), Duration::from_hours(24));
        clock.skip(day);
        assert!(clock.now() >= before + day);
        assert_eq!((clock.ahead(), clock.until(before)), (day, Duration::ZERO));
        for _ in 0..30 {
            clock.skip(Duration::MAX);
        }
        assert!(clock.after(Duration::MAX) > clock.now());
    }

    #[test]
    fn a_services_clock_is_tokios() {
        let clock = Clock::default();
        clock.skip(Duration::from_hours(1));
        assert_eq!(clock.ahead(), Duration::ZERO);
        assert!(clock.stirred().is_none());
    }
}
