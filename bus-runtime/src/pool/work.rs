//! What the pool asks of whoever gives it events.

use super::Pool;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::time::Instant;

/// The future of one attempt.
pub(crate) type Attempt<O> = Pin<Box<dyn Future<Output = O> + Send>>;

/// What an attempt is and what becomes of an event: user code and brokers, as the pool sees them.
///
/// The pool calls these without holding a lock. It guards [`Work::begin`], every poll and the drop of
/// the attempt's future against panics; the other methods must not panic.
pub(crate) trait Work: Send + Sync + 'static {
    /// An event that the pool owns from its admission until it is settled or released. One pointer wide:
    /// it is moved between queues.
    type Event: Send + 'static;
    /// What an attempt returns.
    type Output: Send + 'static;

    /// Begins an attempt, the first being 1.
    fn begin(
        &self,
        subscription: usize,
        event: &mut Self::Event,
        attempt: u32,
    ) -> Attempt<Self::Output>;

    /// Judges an attempt that ended; its future is dropped already.
    fn judge(
        &self,
        subscription: usize,
        event: &mut Self::Event,
        attempt: u32,
        ended: Ended<Self::Output>,
    ) -> Verdict;

    /// The event is tried again.
    fn retried(&self, subscription: usize);

    /// A subscription is braked or released, or other events of it are held. Told in order, one at a time.
    fn brakes(&self, brakes: Brakes);

    /// An attempt was cancelled; its event is released next.
    fn cancelled(&self, _subscription: usize) {}

    /// An attempt at the event has waited since then, which is long. `run` names the attempt for as long as it runs.
    fn stuck(&self, subscription: usize, run: u32, event: &Self::Event, since: Instant);

    /// An attempt that was told to be stuck has ended.
    fn stuck_no_more(&self, subscription: usize, run: u32);

    /// The event is settled. Called before the next event of its key can start.
    fn settle(&self, event: Self::Event);

    /// The event is given back unsettled: the pool shuts down, or its source was revoked.
    fn release(&self, event: Self::Event);

    /// The event is to become a dead letter. The callee stores it and then calls [`Pool::buried`], or
    /// [`Pool::bury_later`] where that failed; until then the key's next event does not start. `burial`
    /// counts from 1.
    fn bury(&self, pool: &Pool<Self>, ticket: Ticket, event: Self::Event, burial: u32)
    where
        Self: Sized;
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ended<O> {
    Returned(O),
    /// With the panic's message.
    Panicked(String),
    TimedOut,
}

/// What becomes of an event after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It succeeded, or was skipped.
    Settle,
    /// It is tried again after this time. While the pool drains, the pool releases it instead.
    Retry(Duration),
    /// No attempt is left: it becomes a dead letter, or is held where the whole subscription may be to blame.
    Exhausted,
    /// No attempt can mend it: it becomes a dead letter.
    Bury,
}

/// How a subscription stands that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Brakes {
    pub(crate) subscription: usize,
    /// Its events wait, but for a probe now and then.
    pub(crate) braked: bool,
    /// Events that have no attempt left and are held.
    pub(crate) held: usize,
}

/// Names a strand whose head waits for its dead letter's confirmation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}
