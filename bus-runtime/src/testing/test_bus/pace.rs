//! When the clock may be skipped.

use super::journal::Journal;
use super::not_idle::NotIdle;
use super::real_time::RealTime;
use crate::clock::{Clock, NEVER};
use crate::delivery::Dispatch;
use crate::pool::{Pool, Standing};
use std::future::pending;
use std::time::Duration;

/// How long nothing changes until a handler that waits is not waited for any more.
const STILL: Duration = Duration::from_millis(20);

/// How long nothing changes until an event that is on its way from a broker is not waited for any more: a bus that has
/// no room for it does not ask for it.
const ON_ITS_WAY: Duration = Duration::from_secs(2);

/// Skips the clock of a bus over the times in which it only waits.
#[derive(Debug)]
pub(super) struct Pace<'a> {
    pub(super) pool: &'a Pool<Dispatch>,
    pub(super) journal: &'a Journal,
    pub(super) clock: &'a Clock,
    /// Whether the events come from a broker.
    pub(super) durable: bool,
    pub(super) patience: Duration,
}

/// What there is to do.
enum Step {
    /// Nothing any more.
    Over,
    /// Skip so much.
    Skip(Duration),
    /// Skip so much, or there is nothing to do, unless something changes within the first time.
    Unless(Duration, Option<Duration>),
    /// Wait for a change.
    Wait,
}

impl Pace<'_> {
    /// Until everything is settled.
    pub(super) async fn until_idle(&self) -> Result<(), NotIdle> {
        self.run(|stand| {
            if stand.is_idle() {
                return Step::Over;
            }
            match stand.pool.next {
                // While a handler runs the clock stands: it may wait for something real, which takes no time of it.
                Some(next) if stand.only_waits() && next > self.clock.now() => {
                    stand.skip(Some(self.clock.until(next)))
                }
                _ => Step::Wait,
            }
        })
        .await
    }

    /// Skips so much, with everything that is due meanwhile.
    pub(super) async fn skip(&self, time: Duration) -> Result<(), NotIdle> {
        // Not up to a moment: what is due after so much time is due, however long the machine takes for the rest.
        let end = self.clock.ahead().saturating_add(time.min(NEVER));
        self.run(|stand| {
            let now = self.clock.now();
            let left = end.saturating_sub(self.clock.ahead());
            if stand.pool.active > 0 || stand.under_way > 0 {
                return Step::Wait;
            }
            match stand.pool.next {
                // The timer is about to see to it.
                Some(next) if next <= now => Step::Wait,
                Some(next) if next - now <= left => stand.skip(Some(next - now)),
                _ if !left.is_zero() => stand.skip(Some(left)),
                _ => stand.skip(None),
            }
        })
        .await
    }

    async fn run(&self, step: impl Fn(&Stand) -> Step) -> Result<(), NotIdle> {
        let mut patience = None;
        let mut still: Option<RealTime> = None;
        let mut is_still = false;
        loop {
            let Some(stirred) = self.clock.stirred() else {
                return Ok(());
            };
            let skip = match step(&Stand::of(self)) {
                Step::Over => return Ok(()),
                Step::Skip(time) => Some(Some(time)),
                Step::Unless(_, skip) if is_still => Some(skip),
                Step::Unless(time, _) => {
                    still.get_or_insert_with(|| RealTime::of(time));
                    None
                }
                Step::Wait => None,
            };
            match skip {
                Some(Some(time)) => {
                    self.pool.skip(time);
                    (still, is_still) = (None, false);
                    // Else a test's only thread would not get to what is due.
                    tokio::task::yield_now().await;
                    continue;
                }
                Some(None) => return Ok(()),
                None => {}
            }
            let patience = patience.get_or_insert_with(|| RealTime::of(self.patience));
            let stillness = async {
                match &mut still {
                    Some(still) => still.over().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = patience.over() => return Err(NotIdle::new(self.patience, self.journal)),
                () = stirred => is_still = false,
                () = stillness => is_still = true,
            }
            still = None;
        }
    }
}

/// How far the bus is.
struct Stand {
    durable: bool,
    owed: usize,
    under_way: usize,
    pool: Standing,
}

impl Stand {
    fn of(pace: &Pace<'_>) -> Self {
        // First this: whatever is owed no more has been handled, with all that it has published, before the pool is
        // looked at.
        let outstanding = pace.journal.outstanding();
        Stand {
            durable: pace.durable,
            owed: outstanding.owed,
            under_way: outstanding.under_way,
            pool: pace.pool.standing(),
        }
    }

    fn is_idle(&self) -> bool {
        self.owed == 0 && self.under_way == 0 && self.pool.held == 0 && self.pool.runners == 0
    }

    /// Nothing goes on but by the clock.
    fn only_waits(&self) -> bool {
        self.under_way == 0 && self.pool.runners == 0
    }

    /// To skip there is right at once where the pool has everything and no handler runs.
    fn skip(&self, time: Option<Duration>) -> Step {
        match time {
            _ if self.owed > self.pool.held && self.durable => Step::Unless(ON_ITS_WAY, time),
            _ if self.owed > self.pool.held || self.pool.runners > 0 => Step::Unless(STILL, time),
            Some(time) => Step::Skip(time),
            None => Step::Over,
        }
    }
}
