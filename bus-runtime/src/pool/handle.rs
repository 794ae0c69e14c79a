//! The pool's handle: its lock, its tasks, its end.

use super::admission::{Admission, Wake};
use super::core::{Core, Phase, Released, Run};
use super::polls::{Looks, Polls};
use super::runner::Runner;
use super::slab::NIL;
use super::source::PoolSource;
use super::timer;
use super::work::{Ticket, Work};
use crate::clock::Clock;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// The worker pool. Cheap to clone.
pub(crate) struct Pool<W: Work>(Arc<Shared<W>>);

struct Shared<W: Work> {
    state: Mutex<State<W::Event>>,
    work: Arc<W>,
    tasks: TaskTracker,
    runtime: Handle,
    clock: Clock,
    /// Handlers that may be polled at once: more would only wait for a thread.
    active_limit: usize,
    polls: Polls,
    /// Nothing is held any more.
    emptied: Notify,
}

/// What the pool's one lock guards.
pub(super) struct State<E> {
    pub(super) core: Core<E>,
    /// Runners whose handler is being called or polled for the first time.
    pub(super) active: usize,
    pub(super) runners: usize,
    pub(super) timer: Timer,
    /// Somebody tells what changed about the brakes.
    telling: bool,
}

/// The timer task, as those see it who arm it.
#[derive(Debug, Default)]
pub(super) struct Timer {
    pub(super) runs: bool,
    /// What it sleeps until.
    pub(super) at: Option<Instant>,
    pub(super) waker: Option<Waker>,
}

/// What bounds the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// N: handlers running at once.
    pub(crate) in_flight: usize,
    /// M: events fetched and not started.
    pub(crate) buffer: usize,
    /// B: raw bytes of all that is held.
    pub(crate) buffer_bytes: usize,
    /// D: events waiting for a retry or for a dead letter's confirmation.
    pub(crate) delayed: usize,
    /// Failed attempts in a row after which a subscription is braked; none for never.
    pub(crate) brake: Option<u32>,
}

/// A subscription's share of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Of the handlers running at once.
    pub(crate) at_most: usize,
    /// For one attempt, from its first suspension.
    pub(crate) timeout: Duration,
    /// It is braked when it does nothing but fail.
    pub(crate) brakes: bool,
}

/// What the pool holds at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Events whose handler is running.
    pub in_flight: usize,
    /// Events fetched and not started, and room reserved for those on their way.
    pub buffered: usize,
    /// Events that wait for a retry or for their dead letter to be stored.
    pub delayed: usize,
    /// Raw bytes of all that is held, reservations included.
    pub bytes: usize,
}

/// How far a pool is with what it holds: what whoever skips its clock goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Events that it has, and releases that it owes.
    pub(crate) held: usize,
    /// Events whose handler runs, or whose release or dead letter is still to be handed over.
    pub(crate) runners: usize,
    /// Those among them whose handler does not wait for anything.
    pub(crate) active: usize,
    /// When the next retry or timeout is due.
    pub(crate) next: Option<Instant>,
}

impl<W: Work> Pool<W> {
    /// A pool that runs nothing yet and goes by `clock`. It spawns its tasks on the current runtime, tracked by
    /// `tasks`.
    pub(crate) fn new(
        limits: Limits,
        shares: &[Share],
        work: Arc<W>,
        tasks: TaskTracker,
        clock: Clock,
    ) -> Self {
        let runtime = Handle::current();
        let shares = shares.iter().copied();
        let admission = Admission::new(limits.buffer, limits.buffer_bytes);
        let core = Core::new(limits, admission, shares);
        Pool(Arc::new(Shared {
            state: Mutex::new(State {
                core,
                active: 0,
                runners: 0,
                timer: Timer::default(),
                telling: false,
            }),
            work,
            tasks,
            active_limit: runtime.metrics().num_workers(),
            polls: Polls::new(runtime.metrics().num_workers()),
            runtime,
            clock,
            emptied: Notify::new(),
        }))
    }

    pub(crate) fn work(&self) -> &Arc<W> {
        &self.0.work
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Opens a source. `wake` is called, without a lock, when the source is to look again.
    pub(crate) fn source(&self, wake: Wake) -> PoolSource<W> {
        let index = self.lock().core.admission.open(wake);
        PoolSource::new(self.clone(), index)
    }

    /// The dead letter is stored.
    pub(crate) fn buried(&self, ticket: Ticket, event: W::Event) {
        self.0.work.settle(event);
        self.change(|state| state.core.buried(ticket));
    }

    /// The dead letter could not be stored: it is tried again after `delay`, or released, where nothing of
    /// its source goes on.
    pub(crate) fn bury_later(&self, ticket: Ticket, event: W::Event, delay: Duration) {
        let due = self.0.clock.after(delay);
        let released = self.change(|state| match state.core.bury_later(ticket, event, due) {
            Ok(()) => Vec::new(),
            Err(event) => state.core.release_buried(ticket, event),
        });
        self.release(released);
    }

    /// Brakes no subscription any more, and holds no event: what is not handled soon is lost.
    pub(crate) fn lift_brakes(&self) {
        self.change(|state| state.core.lift_brakes(self.0.clock.now()));
    }

    /// Starts nothing any more and releases what has not begun. What runs may end; what fails is released.
    pub(crate) fn close(&self) {
        let released = self.change(|state| {
            if state.core.phase == Phase::Running {
                state.core.phase = Phase::Closed;
            }
            state.core.admission.close();
            // What starts no more waits for no probe.
            state.core.lift_brakes(self.0.clock.now());
            state.core.sweep(|_| true)
        });
        self.release(released);
    }

    /// Cancels what runs, and releases it.
    pub(crate) fn cancel(&self) {
        self.close();
        self.cancel_where(|_| true, |state| state.core.phase = Phase::Cancelled);
    }

    pub(super) fn cancel_where(
        &self,
        which: impl Fn(u32) -> bool,
        first: impl FnOnce(&mut State<W::Event>),
    ) {
        let mut wakers = Vec::new();
        self.change(|state| {
            first(state);
            state.core.suspended.cancel(which, &mut wakers);
        });
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Resolves when, after [`Pool::close`], nothing is held, every settlement and release has been
    /// delivered, and no task is left.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(crate) async fn drained(&self) {
        self.until(State::is_drained).await;
    }

    /// Resolves when nothing is held, whether or not more may come.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub(crate) async fn emptied(&self) {
        self.until(|state| state.core.admission.held() == 0).await;
    }

    async fn until(&self, reached: impl Fn(&State<W::Event>) -> bool) {
        let mut notified = std::pin::pin!(self.0.emptied.notified());
        loop {
            // Registered before the check: what happens in between is not missed.
            notified.as_mut().enable();
            if reached(&self.lock()) {
                return;
            }
            notified.as_mut().await;
            notified.set(self.0.emptied.notified());
        }
    }

    /// Events that the pool has, and releases that it owes.
    pub(crate) fn held(&self) -> usize {
        self.lock().core.admission.held()
    }

    pub(crate) fn load(&self) -> Load {
        let state = self.lock();
        Load {
            in_flight: state.core.in_flight(),
            buffered: state.core.admission.buffered(),
            delayed: state.core.waiting(),
            bytes: state.core.admission.bytes(),
        }
    }

    /// How many events wait, where they fill their room, and the subscriptions whose events find none, so that their
    /// sources stand still.
    pub(crate) fn delayed_full(&self) -> Option<(usize, Vec<usize>)> {
        let state = self.lock();
        let full = || (state.core.waiting(), state.core.overflowing());
        state.core.is_overflowing().then(full)
    }

    /// The subscriptions of the handlers whose poll was seen under way for at least so long.
    pub(crate) fn blocking(
        &self,
        looks: &mut Looks,
        now: std::time::Instant,
        long: Duration,
    ) -> Vec<usize> {
        self.0.polls.blocking(looks, now, long)
    }

    /// Has the attempts say so that have waited for so long; each does once.
    pub(crate) fn ask_stuck(&self, long: Duration) {
        let mut wakers = Vec::new();
        self.lock()
            .core
            .suspended
            .ask(Instant::now(), long, &mut wakers);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn polls(&self) -> &Polls {
        &self.0.polls
    }

    /// The subscriptions of the events that run, with how many: what a cancelled pool still waits for.
    pub(crate) fn running(&self) -> Vec<(usize, usize)> {
        self.lock().core.running()
    }

    /// How far the pool is with what it holds.
    pub(crate) fn standing(&self) -> Standing {
        let state = self.lock();
        Standing {
            held: state.core.admission.held(),
            runners: state.runners,
            active: state.active,
            next: state.core.next_deadline(),
        }
    }

    /// Skips so much of the clock; what is due by then is done by the timer.
    pub(crate) fn skip(&self, time: Duration) {
        self.0.clock.skip(time);
        let timer = self.lock().timer.waker.take();
        timer.into_iter().for_each(Waker::wake);
    }

    /// Gives events back, without the lock, and then says that nothing of them is left.
    pub(super) fn release(&self, released: Released<W::Event>) {
        if released.is_empty() {
            return;
        }
        let sources: Vec<u32> = released.iter().map(|(source, _)| *source).collect();
        for (_, event) in released {
            self.0.work.release(event);
        }
        self.change(|state| {
            for source in sources {
                state.core.admission.gone(source);
            }
        });
    }

    /// Changes the state, and does what that made due: runners, the timer, wake-ups, the end.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State<W::Event>) -> T) -> T {
        let mut runs = Vec::new();
        let (answer, wakes, timer, empty, tells) = {
            let mut state = self.lock();
            let answer = change(&mut state);
            while state.active < self.0.active_limit
                && let Some(run) = state.start()
            {
                runs.push(run);
            }
            let timer = state.arm();
            let tells = state.core.has_news() && !std::mem::replace(&mut state.telling, true);
            (
                answer,
                state.core.admission.take_wakes(),
                timer,
                state.core.admission.held() == 0,
                tells,
            )
        };
        for run in runs {
            self.0
                .tasks
                .spawn_on(Runner::new(self.clone(), run), &self.0.runtime);
        }
        match timer {
            Armed::No => {}
            Armed::Start => drop(
                self.0
                    .tasks
                    .spawn_on(timer::run(self.clone()), &self.0.runtime),
            ),
            Armed::Sooner(timer) => timer.wake(),
        }
        for wake in wakes {
            wake();
        }
        if tells {
            self.tell();
        }
        if empty {
            self.0.emptied.notify_waiters();
        }
        self.0.clock.stir();
        answer
    }

    /// Tells what changed about the brakes: whoever found news while nobody told any, so that they arrive in order.
    fn tell(&self) {
        loop {
            let brakes = {
                let mut state = self.lock();
                let news = state.core.next_news();
                // In the same critical section: what is new after this is told by whoever brings it.
                state.telling = news.is_some();
                news
            };
            match brakes {
                Some(brakes) => self.0.work.brakes(brakes),
                None => return,
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<W::Event>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What arming the timer asks for.
enum Armed {
    No,
    Start,
    Sooner(Waker),
}

impl<E> State<E> {
    /// Takes the next event for a new runner.
    fn start(&mut self) -> Option<Run<E>> {
        let run = self.core.pop()?;
        self.active += 1;
        self.runners += 1;
        Some(run)
    }

    /// Sees that the timer wakes for what is due next.
    fn arm(&mut self) -> Armed {
        let Some(next) = self.core.next_deadline() else {
            // At the end of the pool the timer does not sleep out what it slept for.
            let over = self.core.phase != Phase::Running;
            return self
                .timer
                .waker
                .take_if(|_| over)
                .map_or(Armed::No, Armed::Sooner);
        };
        if !self.timer.runs {
            self.timer.runs = true;
            return Armed::Start;
        }
        // The timer that has not registered its waker yet looks itself before it sleeps.
        if self.timer.at.is_none_or(|at| next < at)
            && let Some(waker) = self.timer.waker.take()
        {
            return Armed::Sooner(waker);
        }
        Armed::No
    }

    fn is_drained(&self) -> bool {
        self.core.phase != Phase::Running
            && self.core.admission.held() == 0
            && self.runners == 0
            && !self.timer.runs
    }
}

/// No suspended runner.
pub(super) const NOT_SUSPENDED: u32 = NIL;

impl<W: Work> Clone for Pool<W> {
    fn clone(&self) -> Self {
        Pool(Arc::clone(&self.0))
    }
}

impl<W: Work> fmt::Debug for Pool<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}
