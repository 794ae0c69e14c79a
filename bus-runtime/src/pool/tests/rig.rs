//! A pool whose events are scripted and whose every step is written down.

use super::super::{
    Attempt, Brakes, Ended, Grant, Limits, Pool, PoolSource, Share, Submission, Ticket, Verdict,
    Work,
};
use crate::clock::Clock;
use crate::handler::Retry;
use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Lets so much time pass, with all that is due meanwhile. On the paused clock of these tests it takes none.
pub(super) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// What an event's attempts do, one after the other; the last step is repeated.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Done,
    /// Lets others run first.
    Yield,
    Fail,
    Die,
    /// Waits until the gate of this name is opened.
    Gate(&'static str),
    Stuck,
    PanicAtBegin,
    Panic,
    PanicAtDrop,
    /// Returns what panics when it is judged.
    PanicAtJudge,
    FailForever,
    /// Fails, and is tried again at once.
    FailSoon,
    /// Fails at every attempt, which are those of [`Retry::DEFAULT`].
    Poison,
    /// The same, while what it needs is away.
    Needs,
    /// Cannot be mended while what it needs is away.
    CannotDo,
}

#[derive(Debug)]
pub(super) struct Event {
    pub(super) id: u64,
    steps: Vec<Step>,
    /// How often it was begun: more often than it was attempted, where a brake gave attempts back.
    begun: usize,
}

impl Event {
    /// What it does, begun for the last time; the last step for ever.
    fn step(&self) -> &Step {
        &self.steps[(self.begun - 1).min(self.steps.len() - 1)]
    }
}

/// What happened, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    Began(u64, u32),
    Ended(u64),
    Settled(u64),
    Released(u64),
    Bury(u64, u32),
}

/// An attempt, and the event that it is stuck with and since when; none when it has ended.
type Told = (u32, Option<(u64, Instant)>);

#[derive(Default)]
pub(super) struct Script {
    log: Arc<Mutex<Vec<Happened>>>,
    gates: Mutex<HashMap<&'static str, Arc<Semaphore>>>,
    pub(super) burials: Mutex<Vec<(Ticket, Box<Event>)>>,
    pub(super) running: Arc<Mutex<(usize, usize)>>,
    retried: Mutex<usize>,
    pub(super) brakes: Mutex<Vec<Brakes>>,
    /// Who said to be stuck, since when, and whose end was told.
    pub(super) stuck: Mutex<Vec<Told>>,
    /// What some need is away.
    pub(super) away: AtomicBool,
    /// And works nevertheless for so many of a hundred attempts.
    pub(super) works: AtomicU8,
    random: Mutex<Option<fastrand::Rng>>,
}

pub(super) const RETRY: Duration = Duration::from_secs(10);
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

impl Script {
    fn works(&self) -> bool {
        let mut random = self.random.lock().expect("not poisoned");
        let random = random.get_or_insert_with(|| fastrand::Rng::with_seed(36));
        random.u8(0..100) < self.works.load(Ordering::Relaxed)
    }

    fn note(&self, happened: Happened) {
        self.log.lock().expect("not poisoned").push(happened);
    }

    pub(super) fn gate(&self, name: &'static str) -> Arc<Semaphore> {
        let mut gates = self.gates.lock().expect("not poisoned");
        Arc::clone(
            gates
                .entry(name)
                .or_insert_with(|| Arc::new(Semaphore::new(0))),
        )
    }
}

/// Counts the handlers that run, and notes when one ends however it ends.
struct Guard {
    id: u64,
    log: Arc<Mutex<Vec<Happened>>>,
    running: Arc<Mutex<(usize, usize)>>,
    panics: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.running.lock().expect("not poisoned").0 -= 1;
        self.log
            .lock()
            .expect("not poisoned")
            .push(Happened::Ended(self.id));
        assert!(!self.panics, "dropped badly");
    }
}

impl Work for Script {
    type Event = Box<Event>;
    type Output = bool;

    fn begin(&self, _: usize, event: &mut Box<Event>, attempt: u32) -> Attempt<bool> {
        self.note(Happened::Began(event.id, attempt));
        event.begun += 1;
        let step = event.step().clone();
        assert!(!matches!(step, Step::PanicAtBegin), "begun badly");
        let needs = matches!(step, Step::Needs | Step::CannotDo);
        let fails = needs && self.away.load(Ordering::Relaxed) && !self.works();
        let gate = if let Step::Gate(name) = step {
            Some(self.gate(name))
        } else {
            None
        };
        {
            let mut running = self.running.lock().expect("not poisoned");
            running.0 += 1;
            running.1 = running.1.max(running.0);
        }
        let guard = Guard {
            id: event.id,
            log: Arc::clone(&self.log),
            running: Arc::clone(&self.running),
            panics: matches!(step, Step::PanicAtDrop),
        };
        Box::pin(async move {
            let _guard = guard;
            match step {
                Step::Done | Step::PanicAtDrop | Step::PanicAtBegin | Step::PanicAtJudge => true,
                Step::Yield => {
                    tokio::task::yield_now().await;
                    true
                }
                Step::Fail | Step::FailForever | Step::FailSoon | Step::Die | Step::Poison => false,
                Step::Needs | Step::CannotDo => !fails,
                Step::Gate(_) => {
                    let gate = gate.expect("made above");
                    gate.acquire().await.expect("never closed").forget();
                    true
                }
                Step::Stuck => pending().await,
                Step::Panic => panic!("polled badly"),
            }
        })
    }

    fn judge(&self, _: usize, event: &mut Box<Event>, attempt: u32, ended: Ended<bool>) -> Verdict {
        let step = event.step();
        if matches!(ended, Ended::Returned(true)) {
            assert!(!matches!(step, Step::PanicAtJudge), "said badly");
            return Verdict::Settle;
        }
        match step {
            Step::FailSoon => Verdict::Retry(Duration::ZERO),
            Step::FailForever => Verdict::Retry(Duration::MAX),
            Step::Die | Step::CannotDo => Verdict::Bury,
            Step::Poison | Step::Needs => {
                let delay = Retry::DEFAULT.delay(attempt, 0.5);
                delay.map_or(Verdict::Exhausted, Verdict::Retry)
            }
            _ => Verdict::Retry(RETRY),
        }
    }

    fn retried(&self, _: usize) {
        *self.retried.lock().expect("not poisoned") += 1;
    }

    fn brakes(&self, brakes: Brakes) {
        self.brakes.lock().expect("not poisoned").push(brakes);
    }

    fn stuck(&self, _: usize, run: u32, event: &Box<Event>, since: Instant) {
        let mut stuck = self.stuck.lock().expect("not poisoned");
        stuck.push((run, Some((event.id, since))));
    }

    fn stuck_no_more(&self, _: usize, run: u32) {
        self.stuck.lock().expect("not poisoned").push((run, None));
    }

    fn settle(&self, event: Box<Event>) {
        self.note(Happened::Settled(event.id));
    }

    fn release(&self, event: Box<Event>) {
        self.note(Happened::Released(event.id));
    }

    fn bury(&self, _: &Pool<Self>, ticket: Ticket, event: Box<Event>, burial: u32) {
        self.note(Happened::Bury(event.id, burial));
        self.burials
            .lock()
            .expect("not poisoned")
            .push((ticket, event));
    }
}

/// A pool, and a source of it.
pub(super) struct Rig {
    pub(super) pool: Pool<Script>,
    pub(super) source: PoolSource<Script>,
    pub(super) tasks: TaskTracker,
    next: Mutex<u64>,
}

pub(super) const WIDE: Limits = Limits {
    in_flight: 8,
    buffer: 1000,
    buffer_bytes: 1 << 20,
    delayed: 1000,
    brake: None,
};

impl Rig {
    pub(super) fn new(limits: Limits, at_most: &[usize]) -> Self {
        let tasks = TaskTracker::new();
        let shares: Vec<Share> = at_most
            .iter()
            .map(|at_most| Share {
                at_most: *at_most,
                timeout: TIMEOUT,
                brakes: true,
            })
            .collect();
        let pool = Pool::new(
            limits,
            &shares,
            Arc::default(),
            tasks.clone(),
            Clock::skippable(),
        );
        let source = pool.source(Arc::new(|| {}));
        Rig {
            pool,
            source,
            tasks,
            next: Mutex::new(0),
        }
    }

    pub(super) fn script(&self) -> &Script {
        self.pool.work()
    }

    /// Submits one event of the source to subscription 0; returns its id.
    pub(super) fn submit(&self, key: u64, steps: &[Step]) -> u64 {
        self.submit_to(&self.source, 0, key, 1, steps)
    }

    pub(super) fn submit_to(
        &self,
        source: &PoolSource<Script>,
        subscription: usize,
        identity: u64,
        bytes: usize,
        steps: &[Step],
    ) -> u64 {
        let mut next = self.next.lock().expect("not poisoned");
        *next += 1;
        let event = Box::new(Event {
            id: *next,
            steps: steps.to_vec(),
            begun: 0,
        });
        source.submit(vec![Submission {
            subscription,
            identity,
            bytes,
            event,
        }]);
        *next
    }

    pub(super) fn log(&self) -> Vec<Happened> {
        self.script().log.lock().expect("not poisoned").clone()
    }

    /// The ids that were settled, in order.
    pub(super) fn settled(&self) -> Vec<u64> {
        let settled = |happened| {
            if let Happened::Settled(id) = happened {
                Some(id)
            } else {
                None
            }
        };
        self.log().into_iter().filter_map(settled).collect()
    }

    /// The ids that were released, in order.
    pub(super) fn released(&self) -> Vec<u64> {
        let released = |happened| {
            if let Happened::Released(id) = happened {
                Some(id)
            } else {
                None
            }
        };
        self.log().into_iter().filter_map(released).collect()
    }

    /// How the first subscription stands, as it was told last.
    pub(super) fn stands(&self) -> Option<(bool, usize)> {
        let brakes = self.script().brakes.lock().expect("not poisoned");
        let of_first = brakes.iter().rfind(|brakes| brakes.subscription == 0);
        of_first.map(|brakes| (brakes.braked, brakes.held))
    }

    /// The ids that were to be buried, in order; now they are.
    pub(super) fn bury_all(&self) -> Vec<u64> {
        let mut buried = Vec::new();
        let next = || self.script().burials.lock().expect("not poisoned").pop();
        while let Some((ticket, event)) = next() {
            buried.push(event.id);
            self.pool.buried(ticket, event);
        }
        buried.sort_unstable();
        buried
    }

    /// How often attempts at an event began.
    pub(super) fn began(&self, id: u64) -> usize {
        self.log()
            .iter()
            .filter(|happened| matches!(happened, Happened::Began(began, _) if *began == id))
            .count()
    }

    /// Lets every task run until all of them wait. On a paused clock, no time passes.
    pub(super) async fn settle_down(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Confirms the oldest burial.
    pub(super) fn confirm_burial(&self) {
        let (ticket, event) = self
            .script()
            .burials
            .lock()
            .expect("not poisoned")
            .remove(0);
        self.pool.buried(ticket, event);
    }

    /// Refuses the oldest burial.
    pub(super) fn refuse_burial(&self) {
        let (ticket, event) = self
            .script()
            .burials
            .lock()
            .expect("not poisoned")
            .remove(0);
        self.pool.bury_later(ticket, event, RETRY);
    }

    /// Ends the pool and sees that nothing is left of it.
    pub(super) async fn end(self) {
        self.pool.close();
        self.pool.drained().await;
        self.tasks.close();
        self.tasks.wait().await;
        let load = self.pool.load();
        assert_eq!((load.in_flight, load.delayed, self.pool.held()), (0, 0, 0));
        self.source.give_back(Grant {
            events: usize::MAX,
            bytes: usize::MAX,
        });
        let load = self.pool.load();
        assert_eq!((load.buffered, load.bytes), (0, 0));
    }
}
