//! How long an attempt may take, and how many may be under way.

use std::time::Duration;

/// How long one attempt may take; then its future is dropped, which counts as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(pub Duration);

impl Timeout {
    /// 60 s.
    pub const DEFAULT: Timeout = Timeout(Duration::from_mins(1));

    /// This long; zero is refused.
    ///
    /// # Panics
    ///
    /// Then; in const evaluation, that is the compiler's error.
    #[track_caller]
    pub const fn of(duration: Duration) -> Self {
        assert!(
            !duration.is_zero(),
            "a `timeout` of zero would end every attempt before it begins"
        );
        Timeout(duration)
    }
}

/// How many events of a handler may be in flight; `None` is the bus's default share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub Option<usize>);

impl Limit {
    /// The bus's default share.
    pub const DEFAULT: Limit = Limit(None);

    /// So many; zero is refused.
    ///
    /// # Panics
    ///
    /// Then; in const evaluation, that is the compiler's error.
    #[track_caller]
    pub const fn of(at_most: usize) -> Self {
        assert!(
            at_most > 0,
            "`at_most = 0` would never run the handler; 1 is the smallest share"
        );
        Limit(Some(at_most))
    }
}
