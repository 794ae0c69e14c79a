//! Which handlers are being polled, for a thread that looks from outside: one that blocks its thread cannot say so.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The lower half of a place: the subscription, and 1 more, so that 0 is nobody.
const WHO: u64 = 0xffff_ffff;
/// One step of the upper half, which counts.
const STEP: u64 = 1 << 32;
/// No place was free.
const NOWHERE: usize = usize::MAX;

thread_local! {
    /// Where a thread looks first: another place than the others.
    static FIRST: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A place for each thread that polls handlers, where the runner on it writes which.
///
/// A place is one atomic of its own, written by the one who has claimed it: the order of its changes is all that
/// matters, so every access is relaxed.
#[derive(Debug)]
pub(super) struct Polls(Box<[Place]>);

/// On a cache line of its own: each thread writes at every event.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place(AtomicU64);

/// A place that a runner has claimed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed(usize);

/// What was seen when the places were looked at before: the content of each, and since when.
#[derive(Debug, Default)]
pub(crate) struct Looks(Vec<(u64, Option<Instant>)>);

impl Polls {
    /// Places for so many threads, and some more: threads come that replace those that block.
    pub(super) fn new(threads: usize) -> Self {
        Polls((0..threads + 8).map(|_| Place::default()).collect())
    }

    /// The current thread begins to poll handlers, first one of this subscription.
    pub(super) fn claim(&self, subscription: u32) -> Claimed {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        let first = FIRST.get().unwrap_or_else(|| {
            let first = THREADS.fetch_add(1, Ordering::Relaxed);
            FIRST.set(Some(first));
            first
        });
        for try_next in 0..self.0.len() {
            let at = first.wrapping_add(try_next) % self.0.len();
            let Place(place) = &self.0[at];
            let content = place.load(Ordering::Relaxed);
            let claimed = next(content, subscription);
            if content & WHO == 0
                && place
                    .compare_exchange(content, claimed, Ordering::Relaxed, Ordering::Relaxed)
                    .is_ok()
            {
                return Claimed(at);
            }
        }
        Claimed(NOWHERE)
    }

    /// It polls another handler.
    pub(super) fn polls(&self, claimed: Claimed, subscription: u32) {
        if let Some(Place(place)) = self.0.get(claimed.0) {
            place.store(
                next(place.load(Ordering::Relaxed), subscription),
                Ordering::Relaxed,
            );
        }
    }

    /// It polls none any more.
    pub(super) fn free(&self, claimed: Claimed) {
        if let Some(Place(place)) = self.0.get(claimed.0) {
            place.store(place.load(Ordering::Relaxed) & !WHO, Ordering::Relaxed);
        }
    }

    /// The subscriptions of the handlers whose poll was seen under way for at least so long, in order.
    pub(super) fn blocking(&self, looks: &mut Looks, now: Instant, long: Duration) -> Vec<usize> {
        looks.0.resize(self.0.len(), (0, None));
        let mut blocking = Vec::new();
        for (Place(place), (before, since)) in self.0.iter().zip(&mut looks.0) {
            let content = place.load(Ordering::Relaxed);
            if content & WHO == 0 {
                *since = None;
            } else if content != *before || since.is_none() {
                *since = Some(now);
            } else if since.is_some_and(|since| now - since >= long) {
                let subscription = usize::try_from((content & WHO) - 1);
                blocking.push(subscription.expect("it was a `u32`"));
            }
            *before = content;
        }
        blocking.sort_unstable();
        blocking.dedup();
        blocking
    }
}

/// What a place holds after `content`.
fn next(content: u64, subscription: u32) -> u64 {
    (content & !WHO).wrapping_add(STEP) | (u64::from(subscription) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(2);

    #[test]
    fn a_poll_that_goes_on_is_seen_and_one_that_follows_another_is_not() {
        let (polls, mut looks, begun) = (Polls::new(1), Looks::default(), Instant::now());
        let (blocks, busy) = (polls.claim(7), polls.claim(3));
        assert_eq!(polls.blocking(&mut looks, begun, LONG), [0; 0]);
        polls.polls(busy, 3);
        assert_eq!(polls.blocking(&mut looks, begun + LONG, LONG), [7]);
        polls.free(busy);
        let again = polls.claim(3);
        assert_eq!(polls.blocking(&mut looks, begun + 2 * LONG, LONG), [7]);
        polls.free(blocks);
        assert_eq!(polls.blocking(&mut looks, begun + 3 * LONG, LONG), [3]);
        polls.free(again);
        assert_eq!(polls.blocking(&mut looks, begun + 4 * LONG, LONG), [0; 0]);
    }

    #[test]
    fn without_a_free_place_nobody_looks() {
        let polls = Polls::new(0);
        let claimed: Vec<Claimed> = (0..9)
            .map(|subscription| polls.claim(subscription))
            .collect();
        assert_eq!(claimed[8].0, NOWHERE);
        polls.polls(claimed[8], 1);
        polls.free(claimed[8]);
        polls.free(claimed[0]);
        assert_ne!(polls.claim(1).0, NOWHERE);
    }
}
