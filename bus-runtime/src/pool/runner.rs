//! A runner: a task that polls one handler after another, and ends when nothing is ready.

use super::core::Run;
use super::handle::{NOT_SUSPENDED, Pool};
use super::polls::Claimed;
use super::suspended::Cancel;
use super::work::{Attempt, Ended, Verdict, Work};
use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// Events that a runner handles before it lets other tasks run.
const BUDGET: u32 = 16;
/// When an attempt is repeated that could not be judged.
const UNJUDGED: Duration = Duration::from_secs(1);

/// Runs events one after another for as long as their handlers are ready at once. When one suspends, the
/// runner stops counting as active, so that another takes its place: a waiting handler holds nothing up,
/// and nothing is spawned for each event.
pub(super) struct Runner<W: Work> {
    pool: Pool<W>,
    current: Option<Current<W>>,
}

struct Current<W: Work> {
    index: u32,
    subscription: u32,
    source: u32,
    attempt: u32,
    event: W::Event,
    /// None before it has begun.
    future: Option<Attempt<W::Output>>,
    /// Its entry among the suspended.
    suspended: u32,
    /// It has said that it is stuck.
    stuck: bool,
}

impl<W: Work> Runner<W> {
    pub(super) fn new(pool: Pool<W>, run: Run<W::Event>) -> Self {
        Runner {
            pool,
            current: Some(Current::from(run)),
        }
    }

    /// Polls handlers until one waits, none is ready, or others are to have their turn.
    fn turn(&mut self, cx: &mut Context<'_>, claimed: Claimed) -> Poll<()> {
        for _ in 0..BUDGET {
            let Some(current) = &self.current else {
                return Poll::Ready(());
            };
            self.pool.polls().polls(claimed, current.subscription);
            let mut cancel = self.cancelled();
            if cancel.is_none() {
                match self.attempt(cx) {
                    Poll::Ready(ended) => {
                        self.end(Some(ended));
                        continue;
                    }
                    Poll::Pending => cancel = self.suspend(cx),
                }
            }
            match cancel {
                None => return Poll::Pending,
                Some(Cancel::TimedOut) => self.end(Some(Ended::TimedOut)),
                Some(Cancel::Released) => self.end(None),
            }
        }
        if self.current.is_none() {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Polls the current handler until it ends or waits.
    fn attempt(&mut self, cx: &mut Context<'_>) -> Poll<Ended<W::Output>> {
        let current = self
            .current
            .as_mut()
            .expect("polled only while it has an event");
        let future = match &mut current.future {
            Some(future) => future,
            none => {
                let (work, subscription, attempt) = (
                    self.pool.work(),
                    current.subscription as usize,
                    current.attempt,
                );
                let event = &mut current.event;
                match catch_unwind(AssertUnwindSafe(|| {
                    work.begin(subscription, event, attempt)
                })) {
                    Ok(future) => none.insert(future),
                    Err(panic) => return Poll::Ready(Ended::Panicked(message(panic))),
                }
            }
        };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ended::Returned(output)),
            Err(panic) => Poll::Ready(Ended::Panicked(message(panic))),
        }
    }

    /// The handler waits: the runner gives its place to another. Says whether the attempt was cancelled
    /// before its waker was known.
    fn suspend(&mut self, cx: &Context<'_>) -> Option<Cancel> {
        let current = self.current.as_mut().expect("only an attempt suspends");
        if current.suspended != NOT_SUSPENDED {
            return self
                .pool
                .lock()
                .core
                .suspended
                .renew(current.suspended, cx.waker());
        }
        let (subscription, source) = (current.subscription, current.source);
        let (entry, cancelled) = self.pool.change(|state| {
            // Within the lock: those of a subscription stand in the order of their deadlines.
            let (now, waker) = (Instant::now(), cx.waker().clone());
            let timeout = state.core.timeout(subscription);
            let deadline = self.pool.clock().later(now, timeout);
            let suspended = &mut state.core.suspended;
            let entry = suspended.insert(subscription, source, waker, now, deadline);
            state.active -= 1;
            (entry, state.core.cancels(source))
        });
        current.suspended = entry;
        cancelled.then_some(Cancel::Released)
    }

    /// Whether the attempt was cancelled while it waited; says that it is stuck, where it is asked.
    fn cancelled(&mut self) -> Option<Cancel> {
        let current = self.current.as_mut()?;
        if current.suspended == NOT_SUSPENDED {
            return None;
        }
        let (cancelled, since) = self.pool.lock().core.suspended.wanted(current.suspended);
        if let (None, Some(since)) = (cancelled, since) {
            current.stuck = true;
            let (subscription, run) = (current.subscription as usize, current.index);
            self.pool
                .work()
                .stuck(subscription, run, &current.event, since);
        }
        cancelled
    }

    /// Ends the attempt and takes the next event: after what settles it, one lock for both.
    fn end(&mut self, ended: Option<Ended<W::Output>>) {
        let mut current = self.current.take().expect("only an attempt ends");
        let (index, subscription) = (current.index, current.subscription as usize);
        let mut ended = ended;
        // The future's drop is user code: before anything is settled, and its panic is the handler's.
        let future = current.future.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
            let message = message(panic);
            if matches!(ended, Some(Ended::Returned(_))) {
                ended = Some(Ended::Panicked(message));
            }
        }
        let work = std::sync::Arc::clone(self.pool.work());
        if ended.is_none() {
            work.cancelled(subscription);
        }
        if current.stuck {
            work.stuck_no_more(subscription, index);
        }
        let verdict = ended.map(|ended| judge(&*work, &mut current, ended));
        let was_suspended = current.suspended;
        let mut event = Some(current.event);
        if verdict == Some(Verdict::Settle) {
            // Before the strand goes on: the next event of the key starts after this one is settled.
            event
                .take()
                .into_iter()
                .for_each(|event| work.settle(event));
        }
        let mut burial = None;
        let mut retried = false;
        let mut released = Vec::new();
        let next = self.pool.change(|state| {
            if was_suspended != NOT_SUSPENDED {
                state.core.suspended.remove(was_suspended);
            }
            match (event.take(), verdict) {
                (None, _) => state.core.settled(index),
                (Some(event), Some(verdict)) if state.core.goes_on(current.source) => {
                    let clock = self.pool.clock();
                    let delay = state.core.failed(index, verdict, clock.now());
                    if let Some(delay) = delay {
                        state.core.retry(index, event, clock.after(delay));
                        retried = true;
                    } else {
                        burial = Some((state.core.bury(index), event));
                    }
                }
                // Cancelled, or it failed while nothing of its source goes on: the broker has it still.
                (Some(event), _) => released = state.core.release(index, event),
            }
            let next = state.core.pop();
            match (&next, was_suspended != NOT_SUSPENDED) {
                (Some(_), true) => state.active += 1,
                (None, false) => state.active -= 1,
                _ => {}
            }
            // What is released or buried is dealt with below, by this runner: until then it is one.
            if next.is_none() && burial.is_none() && released.is_empty() {
                state.runners -= 1;
            }
            next
        });
        let owed = burial.is_some() || !released.is_empty();
        if retried {
            work.retried(subscription);
        }
        if let Some(((ticket, burial), event)) = burial {
            work.bury(&self.pool, ticket, event, burial);
        }
        self.pool.release(released);
        if owed && next.is_none() {
            self.pool.change(|state| state.runners -= 1);
        }
        self.current = next.map(Current::from);
    }
}

impl<W: Work> Future for Runner<W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(current) = &this.current else {
            return Poll::Ready(());
        };
        let claimed = this.pool.polls().claim(current.subscription);
        let polled = this.turn(cx, claimed);
        this.pool.polls().free(claimed);
        polled
    }
}

/// The runtime shuts down under the bus: nothing can be settled, but the counts stay true.
impl<W: Work> Drop for Runner<W> {
    fn drop(&mut self) {
        if self.current.is_some() {
            crate::observe::error!(
                "the runtime ends under the bus: handlers are cancelled; shut the bus down first"
            );
        }
        while self.current.is_some() {
            self.pool.lock().core.stop();
            self.end(None);
        }
    }
}

/// Judges how an attempt ended. What it returned is the user's, and so are its text and its drop: where they
/// panic, the attempt has.
fn judge<W: Work>(work: &W, current: &mut Current<W>, ended: Ended<W::Output>) -> Verdict {
    let (subscription, attempt) = (current.subscription as usize, current.attempt);
    let event = &mut current.event;
    let mut judge = |ended| {
        catch_unwind(AssertUnwindSafe(|| {
            work.judge(subscription, event, attempt, ended)
        }))
    };
    let verdict = judge(ended).or_else(|panic| judge(Ended::Panicked(message(panic))));
    verdict.unwrap_or_else(|panic| {
        drop(message(panic));
        Verdict::Retry(UNJUDGED)
    })
}

impl<W: Work> Unpin for Runner<W> {}

impl<W: Work> From<Run<W::Event>> for Current<W> {
    fn from(run: Run<W::Event>) -> Self {
        let Run {
            index,
            subscription,
            source,
            attempt,
            event,
        } = run;
        Current {
            index,
            subscription,
            source,
            attempt,
            event,
            future: None,
            suspended: NOT_SUSPENDED,
            stuck: false,
        }
    }
}

/// What a panic says. Its value is the user's, and so is that value's drop.
pub(crate) fn message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a value that is no text").to_owned();
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        // Whatever panics when it is dropped may do so for ever.
        std::mem::forget(again);
    }
    text
}
