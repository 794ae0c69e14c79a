//! Moments to come.

use std::time::Duration;
use tokio::time::Instant;

/// What counts as never: the clock itself, and tokio's timer on top of it, overflow with much more.
const NEVER: Duration = Duration::from_hours(24 * 365 * 30);

/// The moment so far from now; thirty years from now for what is farther.
pub(crate) fn after(duration: Duration) -> Instant {
    Instant::now() + duration.min(NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forever_is_a_moment() {
        assert!(after(Duration::MAX) > after(Duration::from_hours(24)));
    }
}
