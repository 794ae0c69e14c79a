//! What the bus has counted, told to whoever records metrics.

use crate::delivery::{Count, Dispatch, Intake};
use crate::observe::Health;
use crate::observe::metrics::{
    BRAKED, BRAKES, BUFFERED_EVENTS, CANCELLATIONS, DEAD_LETTER_REFUSALS, DEAD_LETTERS,
    DELAYED_EVENTS, EVENTS, EXHAUSTED_EVENTS, HELD_BYTES, IN_FLIGHT_EVENTS, LIVE, OUTCOMES,
    PROBLEMS, READY, REASONS, RETRIES, SETTLING_EVENTS, UNROUTED_EVENTS, WINDOW_EVENTS,
    is_recorded,
};
use crate::pool::Pool;
use metrics::{Counter, Gauge};
use std::iter::zip;

/// The counters and gauges of a bus. The bus counts by itself, for its report: what is new is told from time to time,
/// so that an event costs nothing here.
pub(super) struct Readings {
    subscriptions: Vec<Subscription>,
    groups: Vec<Group>,
    buffered: Gauge,
    delayed: Gauge,
    settling: Gauge,
    bytes: Gauge,
    live: Gauge,
    ready: Gauge,
    problems: Vec<(&'static str, Gauge)>,
}

struct Subscription {
    outcomes: [Told; OUTCOMES.len()],
    dead: [Told; REASONS.len()],
    retries: Told,
    refusals: Told,
    cancellations: Told,
    brakes: Told,
    braked: Shown,
    exhausted: Shown,
    in_flight: Shown,
}

struct Group {
    intake: Intake,
    window: Gauge,
    unrouted: Told,
}

/// A gauge that seldom changes, and what it shows.
struct Shown {
    gauge: Gauge,
    shown: usize,
}

/// A counter, and how much of it is told.
struct Told {
    counter: Counter,
    told: u64,
}

impl Readings {
    /// Those of a bus with these groups; none where nobody records them.
    pub(super) fn new(pool: &Pool<Dispatch>, intakes: Vec<Intake>) -> Option<Self> {
        if !is_recorded() {
            return None;
        }
        let subscriptions = pool.work().subscriptions().iter();
        let subscriptions = subscriptions.map(|of| Subscription::new(of.topic, &of.group));
        let problems = PROBLEMS.labels[0].values.iter();
        Some(Readings {
            subscriptions: subscriptions.collect(),
            groups: intakes.into_iter().map(Group::new).collect(),
            buffered: BUFFERED_EVENTS.gauge(&[]),
            delayed: DELAYED_EVENTS.gauge(&[]),
            settling: SETTLING_EVENTS.gauge(&[]),
            bytes: HELD_BYTES.gauge(&[]),
            live: LIVE.gauge(&[]),
            ready: READY.gauge(&[]),
            problems: problems
                .map(|cause| (*cause, PROBLEMS.gauge(&[cause])))
                .collect(),
        })
    }

    /// Tells what is new.
    pub(super) fn tell(&mut self, pool: &Pool<Dispatch>, health: &Health) {
        let (dispatch, load) = (pool.work(), pool.load());
        self.buffered.set(count(load.buffered));
        self.delayed.set(count(load.delayed));
        self.settling.set(count(dispatch.settling()));
        self.bytes.set(count(load.bytes));
        self.live.set(f64::from(health.live));
        self.ready.set(f64::from(health.ready));
        for (cause, gauge) in &self.problems {
            let of_cause = health
                .problems
                .iter()
                .filter(|problem| problem.cause() == *cause);
            gauge.set(count(of_cause.count()));
        }
        let mut running = vec![0; self.subscriptions.len()];
        for (subscription, handlers) in pool.running() {
            running[subscription] = handlers;
        }
        for (at, (subscription, running)) in zip(&mut self.subscriptions, running).enumerate() {
            subscription.tell(&dispatch.tally(at).count(), running);
        }
        for group in &mut self.groups {
            group.tell(health);
        }
    }

    /// The bus has ended.
    pub(super) fn end(&self) {
        self.live.set(0.0);
        self.ready.set(0.0);
    }
}

impl Subscription {
    fn new(topic: &str, group: &str) -> Self {
        let labels = [topic, group];
        Subscription {
            outcomes: OUTCOMES.map(|outcome| EVENTS.counter(&[topic, group, outcome]).into()),
            dead: REASONS.map(|reason| DEAD_LETTERS.counter(&[topic, group, reason]).into()),
            retries: RETRIES.counter(&labels).into(),
            refusals: DEAD_LETTER_REFUSALS.counter(&labels).into(),
            cancellations: CANCELLATIONS.counter(&labels).into(),
            brakes: BRAKES.counter(&labels).into(),
            braked: BRAKED.gauge(&labels).into(),
            exhausted: EXHAUSTED_EVENTS.gauge(&labels).into(),
            in_flight: IN_FLIGHT_EVENTS.gauge(&labels).into(),
        }
    }

    fn tell(&mut self, count: &Count, running: usize) {
        let outcomes = [
            count.handled,
            count.skipped,
            count.dead.iter().sum(),
            count.released,
        ];
        zip(&mut self.outcomes, outcomes).for_each(|(told, now)| told.reach(now));
        zip(&mut self.dead, count.dead).for_each(|(told, now)| told.reach(now));
        self.retries.reach(count.retried);
        self.refusals.reach(count.refused);
        self.cancellations.reach(count.cancelled);
        self.brakes.reach(count.brakes);
        self.braked.show(usize::from(count.braked));
        self.exhausted.show(count.held);
        self.in_flight.show(running);
    }
}

impl Group {
    fn new(intake: Intake) -> Self {
        let labels = [intake.group()];
        Group {
            window: WINDOW_EVENTS.gauge(&labels),
            unrouted: UNROUTED_EVENTS.counter(&labels).into(),
            intake,
        }
    }

    fn tell(&mut self, health: &Health) {
        self.window.set(count(self.intake.widest()));
        let unrouted = health.unrouted.iter();
        let mut unrouted = unrouted.filter(|unrouted| unrouted.group == self.intake.group());
        self.unrouted
            .reach(unrouted.next().map_or(0, |unrouted| unrouted.events));
    }
}

impl Shown {
    fn show(&mut self, now: usize) {
        if now != self.shown {
            self.gauge.set(count(now));
            self.shown = now;
        }
    }
}

impl From<Gauge> for Shown {
    fn from(gauge: Gauge) -> Self {
        // So that it is there.
        gauge.set(0.0);
        Shown { gauge, shown: 0 }
    }
}

impl Told {
    fn reach(&mut self, now: u64) {
        if now > self.told {
            self.counter.increment(now - self.told);
            self.told = now;
        }
    }
}

impl From<Counter> for Told {
    fn from(counter: Counter) -> Self {
        // So that it is there, and an alarm sees the first one come.
        counter.increment(0);
        Told { counter, told: 0 }
    }
}

/// How many, as a gauge has it: exact below 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "nothing holds that many")]
fn count(count: usize) -> f64 {
    count as f64
}
