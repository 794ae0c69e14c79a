//! The brake of one subscription: an outage is not poison.
//!
//! A subscription that does nothing but fail is braked: its events wait, and one of them is tried now and then. Pure
//! data: the core asks it what a failed attempt means, and starts what it lets start.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// How long a subscription has failed at least before it is braked: a burst of bad events is no outage.
const LASTS: Duration = Duration::from_secs(1);
/// The first wait for a probe, or for another attempt at a held event; doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// How long an event is held, from its last attempt on.
const HELD: Duration = Duration::from_hours(1);
/// How exactly that is kept.
const MARK: Duration = Duration::from_mins(1);

/// Whether a subscription fails, and what may start while it does.
#[derive(Debug)]
pub(super) struct Brake {
    /// Failures in a row after which it is braked; none for never.
    after: Option<u32>,
    /// Failed attempts so far, wrapping: each has a number, the first 1.
    failures: u32,
    /// The number of the last failure that a success came after.
    followed: u32,
    /// Failures since the last success.
    row: u32,
    /// Those among them that no further attempt can mend.
    hopeless: u32,
    /// Grows by one with a failure, to three times `after` at most, and shrinks by half of `after` with a success: by
    /// default it is high where fewer than one attempt in ten succeeds.
    debt: u32,
    /// When the debt began.
    since: Option<Instant>,
    /// The next wait.
    wait: Duration,
    on: Option<On>,
    /// Numbers of failures with their time, a minute apart, for the last hour.
    marks: VecDeque<(u32, Instant)>,
}

#[derive(Debug)]
struct On {
    /// When a probe was last allowed.
    at: Instant,
    /// A probe may start.
    allowed: bool,
    /// Whether the next probe is rather of an event that has not failed yet.
    untried_first: bool,
}

/// What one event has failed: the number of its first failure, or, where it is held, of the one since which it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Failed(u32);

impl Failed {
    const HELD: u32 = 1 << 31;

    pub(super) fn is_never(self) -> bool {
        self.0 & !Self::HELD == 0
    }

    pub(super) fn is_held(self) -> bool {
        self.0 & Self::HELD != 0
    }

    /// Holds the event, from the failure of this number on: what has succeeded before says nothing any more.
    fn hold_from(&mut self, number: u32) {
        self.0 = number | Self::HELD;
    }

    /// Holds it no more.
    pub(super) fn let_go(&mut self) {
        self.0 &= !Self::HELD;
    }

    /// Keeps the first number. All numbers have 31 bits, and none is 0.
    fn note(&mut self, number: u32) {
        if self.is_never() {
            self.0 |= number;
        }
    }

    fn number(self) -> u32 {
        self.0 & !Self::HELD
    }
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is to be tried again.
    Again,
    /// No attempt is left. `only` where there was no other: then none was wanted.
    Last { only: bool },
    /// No attempt can mend it.
    Hopeless,
}

/// What the brake makes of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// This failure has braked the subscription.
    pub(super) brakes: bool,
    /// The attempt counts; else it is given back.
    pub(super) counts: bool,
    /// Before another attempt at an event that had none left and is held.
    pub(super) wait: Duration,
}

impl Brake {
    pub(super) fn new(after: Option<u32>) -> Self {
        Brake {
            after,
            failures: 0,
            followed: 0,
            row: 0,
            hopeless: 0,
            debt: 0,
            since: None,
            wait: SHORTEST,
            on: None,
            marks: VecDeque::new(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Whether an event of the subscription may start.
    pub(super) fn lets_start(&self) -> bool {
        self.on.as_ref().is_none_or(|on| on.allowed)
    }

    /// An attempt succeeded: says whether that releases the brake.
    pub(super) fn succeeded(&mut self) -> bool {
        let Some(after) = self.after.filter(|_| self.debt > 0) else {
            return false;
        };
        self.followed = self.failures;
        (self.row, self.hopeless) = (0, 0);
        self.debt = self.debt.saturating_sub((after / 2).max(1));
        if self.debt == 0 {
            self.since = None;
        }
        self.wait = SHORTEST;
        self.on.take().is_some()
    }

    /// An attempt failed, at an event that has failed like this before.
    pub(super) fn failed(&mut self, failure: Failure, event: &mut Failed, now: Instant) -> Judged {
        let mut judged = Judged {
            brakes: false,
            counts: true,
            wait: Duration::ZERO,
        };
        let Some(after) = self.after else {
            return judged;
        };
        // One event that is tried again and again says nothing of the others.
        if !event.is_held() {
            self.count(after, failure, now);
            event.note(self.failures);
        }
        self.mark(now);
        let lasts = self.since.is_some_and(|since| now - since >= LASTS);
        if self.on.is_none() && self.row >= after && (lasts || self.hopeless >= after) {
            judged.brakes = true;
            self.wait = SHORTEST;
            self.on = Some(On {
                at: now,
                allowed: false,
                untried_first: true,
            });
        }
        judged.counts = match failure {
            Failure::Hopeless => true,
            Failure::Again => !self.is_on(),
            Failure::Last { only } => {
                // Where others have succeeded since, the event is to blame; where the subscription fails on the
                // whole, a few successes say nothing.
                let works = only || is_since(self.followed, event.number());
                let exhausted = !self.is_on() && self.debt < after && works;
                exhausted || event.is_held() && self.is_old(event.number(), now)
            }
        };
        if !judged.counts && matches!(failure, Failure::Last { .. }) {
            if !event.is_held() {
                event.hold_from(self.failures);
            }
            // Braked, it waits for a probe anyhow.
            judged.wait = if self.is_on() {
                SHORTEST
            } else {
                self.next_wait()
            };
        }
        judged
    }

    /// When the next probe may start; none where one may now, or none is needed.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        let on = self.on.as_ref().filter(|on| !on.allowed)?;
        Some(on.at + self.wait)
    }

    /// Lets a probe start.
    pub(super) fn allow_probe(&mut self, now: Instant) {
        if let Some(on) = &mut self.on {
            (on.at, on.allowed) = (now, true);
        }
    }

    /// A probe starts, of an event that has not failed yet or of one that has: the next one is later, and rather of
    /// the other kind, so that neither those that fail for ever nor those that keep coming take all the probes.
    pub(super) fn probes(&mut self, untried: bool) {
        self.next_wait();
        if let Some(on) = &mut self.on {
            on.allowed = false;
            on.untried_first = !untried;
        }
    }

    /// Whether the probe that may start is rather of an event that has not failed yet.
    pub(super) fn untried_first(&self) -> bool {
        self.on.as_ref().is_some_and(|on| on.untried_first)
    }

    /// Never brakes again; says whether it did.
    pub(super) fn lift(&mut self) -> bool {
        self.after = None;
        self.on.take().is_some()
    }

    fn count(&mut self, after: u32, failure: Failure, now: Instant) {
        // 31 bits, without 0.
        self.failures = (self.failures + 1) & !Failed::HELD;
        self.failures = self.failures.max(1);
        if self.is_on() {
            return;
        }
        self.row = self.row.saturating_add(1);
        self.hopeless += u32::from(failure == Failure::Hopeless);
        self.debt = (self.debt + 1).min(after.saturating_mul(3));
        self.since.get_or_insert(now);
    }

    fn mark(&mut self, now: Instant) {
        if self.marks.back().is_none_or(|(_, at)| now - *at >= MARK) {
            self.marks.push_back((self.failures, now));
        }
        // The front is the youngest that is old enough, if any is.
        while self.marks.get(1).is_some_and(|(_, at)| now - *at >= HELD) {
            self.marks.pop_front();
        }
    }

    /// Whether the failure of this number was an hour ago.
    fn is_old(&self, number: u32, now: Instant) -> bool {
        let oldest = self.marks.front();
        oldest.is_some_and(|(mark, at)| now - *at >= HELD && is_since(*mark, number))
    }

    fn next_wait(&mut self) -> Duration {
        let wait = self.wait;
        self.wait = (2 * wait).min(LONGEST);
        wait
    }
}

/// Whether the failure of one number is another's or came after it, of numbers of 31 bits that wrap.
fn is_since(number: u32, other: u32) -> bool {
    number.wrapping_sub(other) << 1 < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const AGAIN: Failure = Failure::Again;
    const LAST: Failure = Failure::Last { only: false };

    /// Fails so often at events that fail for the first time; says whether that has braked.
    fn fail(brake: &mut Brake, times: u32, failure: Failure, now: Instant) -> bool {
        let failed = (0..times).map(|_| brake.failed(failure, &mut Failed::default(), now).brakes);
        failed.filter(|brakes| *brakes).count() == 1
    }

    #[test]
    fn twenty_failures_in_a_row_that_last_a_second_brake() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(20));
        assert!(!fail(&mut brake, 100, AGAIN, now), "a burst");
        brake.succeeded();
        assert!(!fail(&mut brake, 19, AGAIN, now + SECOND));
        assert!(fail(&mut brake, 1, AGAIN, now + SECOND), "the twentieth");
        assert!(brake.is_on() && !brake.lets_start());
        assert!(brake.succeeded(), "the first success releases it");
        assert!(!brake.is_on() && brake.lets_start());
    }

    #[test]
    fn what_no_attempt_can_mend_brakes_at_once() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(20));
        assert!(!fail(&mut brake, 19, Failure::Hopeless, now));
        assert!(fail(&mut brake, 1, Failure::Hopeless, now));
    }

    #[test]
    fn a_success_in_five_keeps_it_off() {
        let mut now = Instant::now();
        let mut brake = Brake::new(Some(20));
        for _ in 0..1000 {
            now += SECOND;
            assert!(!fail(&mut brake, 4, AGAIN, now));
            brake.succeeded();
        }
    }

    #[test]
    fn probes_come_after_one_second_and_twice_as_long_up_to_half_a_minute() {
        let mut now = Instant::now();
        let mut brake = Brake::new(Some(1));
        fail(&mut brake, 1, Failure::Hopeless, now);
        for wait in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(brake.next_probe(), Some(now + wait * SECOND));
            now += wait * SECOND;
            brake.allow_probe(now);
            assert_eq!(brake.next_probe(), None, "it may start");
            assert!(brake.lets_start());
            brake.probes(true);
            assert!(!brake.lets_start());
        }
        brake.succeeded();
        fail(&mut brake, 1, Failure::Hopeless, now);
        assert_eq!(brake.next_probe(), Some(now + SECOND));
    }

    #[test]
    fn attempts_that_fail_while_braked_do_not_count() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(1));
        let counts =
            |brake: &mut Brake, failure| brake.failed(failure, &mut Failed::default(), now).counts;
        fail(&mut brake, 1, Failure::Hopeless, now);
        assert!(!counts(&mut brake, AGAIN) && !counts(&mut brake, LAST));
        assert!(!counts(&mut brake, Failure::Last { only: true }));
        assert!(counts(&mut brake, Failure::Hopeless), "nothing can mend it");
        brake.succeeded();
        brake.succeeded();
        brake.succeeded();
        assert!(counts(&mut brake, AGAIN));
    }

    #[test]
    fn an_event_is_to_blame_once_another_has_succeeded_since_its_first_failure() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(20));
        let mut event = Failed::default();
        brake.failed(AGAIN, &mut Failed::default(), now);
        brake.succeeded();
        brake.failed(AGAIN, &mut event, now);
        let judged = brake.failed(LAST, &mut event, now);
        assert!(!judged.counts && event.is_held());
        assert_eq!(judged.wait, SECOND);
        assert_eq!(brake.failed(LAST, &mut event, now).wait, 2 * SECOND);
        brake.succeeded();
        assert!(brake.failed(LAST, &mut event, now).counts);
        let only = Failure::Last { only: true };
        assert!(brake.failed(only, &mut Failed::default(), now).counts);
    }

    #[test]
    fn a_few_successes_say_nothing_where_most_attempts_fail() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(20));
        let mut event = Failed::default();
        brake.failed(AGAIN, &mut event, now);
        for _ in 0..5 {
            fail(&mut brake, 19, AGAIN, now);
            brake.succeeded();
        }
        assert!(!brake.is_on());
        assert!(!brake.failed(LAST, &mut event, now).counts);
        for _ in 0..3 {
            brake.succeeded();
        }
        assert!(brake.failed(LAST, &mut event, now).counts);
    }

    #[test]
    fn an_event_is_held_for_an_hour_however_many_fail() {
        let begun = Instant::now();
        let (mut brake, mut now) = (Brake::new(Some(20)), begun);
        let mut events = [Failed::default(), Failed::default()];
        let mut counts = |event: usize, now: Instant| {
            brake.failed(AGAIN, &mut Failed::default(), now);
            brake.failed(LAST, &mut events[event], now).counts
        };
        while now < begun + HELD {
            assert!(!counts(0, now), "{:?}", now - begun);
            now += SECOND;
        }
        now += MARK;
        assert!(counts(0, now));
        assert!(!counts(1, now), "it has failed for the first time");
        assert!(!counts(1, now + MARK));
        assert!(counts(1, now + HELD + MARK));
        assert!(brake.marks.len() <= 62, "{}", brake.marks.len());
    }

    #[test]
    fn the_hour_begins_with_the_last_attempt_however_patient_it_was() {
        let begun = Instant::now();
        let (mut brake, mut event) = (Brake::new(Some(20)), Failed::default());
        brake.failed(AGAIN, &mut event, begun);
        let last = begun + 6 * HELD;
        assert!(!brake.failed(LAST, &mut event, last).counts);
        let soon = last + HELD - SECOND;
        assert!(!brake.failed(LAST, &mut event, soon).counts);
        assert!(brake.failed(LAST, &mut event, last + HELD + MARK).counts);
    }

    #[test]
    fn numbers_wrap() {
        let now = Instant::now();
        let mut brake = Brake::new(Some(20));
        brake.failures = Failed::HELD - 3;
        brake.followed = brake.failures;
        for _ in 0..8 {
            let mut event = Failed::default();
            brake.failed(AGAIN, &mut event, now);
            assert!(!event.is_never() && !event.is_held());
            assert!(!brake.failed(LAST, &mut event, now).counts);
            brake.succeeded();
            assert!(brake.failed(LAST, &mut event, now).counts);
            brake.succeeded();
        }
    }

    #[test]
    fn off_it_does_nothing() {
        let now = Instant::now();
        let mut brake = Brake::new(None);
        assert!(!fail(&mut brake, 1000, Failure::Hopeless, now));
        assert!(brake.failed(LAST, &mut Failed::default(), now).counts);
        assert!(!brake.succeeded());
    }
}
