//! When a failed event is tried again.

use std::time::Duration;

/// When a failed event is tried again, and when it is given up: `retry = Retry::attempts(3)`.
///
/// The first attempt counts. After a failure the event's key waits, and with it the events behind it; no
/// worker does. The wait doubles with each failure up to a cap, and varies by ± 20 %, so that what failed
/// together is not tried together again. When the last attempt has failed, the event becomes a dead letter; but where
/// the handler does nothing but fail, the event is held and tried again: see [`Brake`](crate::Brake).
///
/// The default is 8 attempts, 100 ms, 30 s at most: an event is given up after about 13 s.
///
/// ```
/// use bus_runtime::prelude::*;
/// use std::time::Duration;
///
/// const PATIENT: Retry = Retry::attempts(20).backoff(Duration::from_secs(1), Duration::from_secs(60));
///
/// #[event_handler(topic = "orders.placed", key = Record, retry = PATIENT)]
/// async fn reserve(_: Raw) -> Result {
///     Err("the stock is closed")?
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    attempts: u32,
    first: Duration,
    cap: Duration,
}

impl Retry {
    /// 8 attempts, 100 ms after the first failure, 30 s at most: what a handler without `retry` gets.
    pub const DEFAULT: Retry = Retry::attempts(8);

    /// At most so many attempts, the first included; 1 never retries.
    ///
    /// # Panics
    ///
    /// For 0. In an attribute, that does not compile.
    #[must_use]
    #[track_caller]
    pub const fn attempts(attempts: u32) -> Self {
        assert!(
            attempts > 0,
            "an event is attempted at least once: `Retry::attempts(1)` never retries"
        );
        Retry {
            attempts,
            first: Duration::from_millis(100),
            cap: Duration::from_secs(30),
        }
    }

    /// Waits for `first` after the first failure, twice as long after each further one, `cap` at most.
    ///
    /// # Panics
    ///
    /// Where `first` is longer than `cap`. In an attribute, that does not compile.
    #[must_use]
    #[track_caller]
    pub const fn backoff(self, first: Duration, cap: Duration) -> Self {
        assert!(
            first.as_nanos() <= cap.as_nanos(),
            "`backoff(first, cap)`: the first wait is longer than the longest"
        );
        Retry { first, cap, ..self }
    }

    /// How long to wait after so many failed attempts, or `None` when no attempt is left. `random` is
    /// from 0 to 1.
    pub(crate) fn delay(&self, failed_attempts: u32, random: f64) -> Option<Duration> {
        if failed_attempts >= self.attempts {
            return None;
        }
        let doublings = failed_attempts.saturating_sub(1).min(31);
        let wait = self.first.saturating_mul(1 << doublings).min(self.cap);
        let varied = wait.as_secs_f64() * (0.8 + 0.4 * random);
        // Too long for a `Duration` is for ever.
        Some(Duration::try_from_secs_f64(varied).unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milliseconds(retry: Retry, failed_attempts: u32, random: f64) -> Option<u128> {
        retry
            .delay(failed_attempts, random)
            .map(|wait| wait.as_millis())
    }

    #[test]
    fn waits_double_up_to_the_cap() {
        let waits: Vec<_> = (1..=13)
            .map(|failed| milliseconds(Retry::attempts(13), failed, 0.5))
            .collect();
        let expected = [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000,
        ];
        assert_eq!(waits[..12], expected.map(Some));
        assert_eq!(waits[12], None);
    }

    #[test]
    fn the_last_attempt_has_no_successor() {
        assert_eq!(Retry::attempts(1).delay(1, 0.5), None);
        assert_eq!(milliseconds(Retry::DEFAULT, 7, 0.5), Some(6400));
        assert_eq!(Retry::DEFAULT.delay(8, 0.5), None);
    }

    #[test]
    fn a_wait_varies_by_a_fifth() {
        assert_eq!(milliseconds(Retry::DEFAULT, 1, 0.0), Some(80));
        assert_eq!(milliseconds(Retry::DEFAULT, 1, 1.0), Some(120));
    }

    #[test]
    fn extremes_do_not_overflow() {
        let retry = Retry::attempts(u32::MAX).backoff(Duration::from_secs(1), Duration::MAX);
        assert!(retry.delay(u32::MAX - 1, 1.0).is_some());
        let retry = retry.backoff(Duration::MAX, Duration::MAX);
        assert_eq!(retry.delay(1, 1.0), Some(Duration::MAX));
    }
}
