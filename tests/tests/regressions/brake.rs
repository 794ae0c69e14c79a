//! An outage is not poison: what a handler needs is away, and its events wait for it.

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use bus_runtime::{Brake, Drain, Problem, Report, Running};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::logged::Logged;
use tests::on;
use tests::on::{Broker, Memory};
use tests::seen::{Seen, eventually};

/// Ten minutes of virtual time.
mod ten_minutes;

#[derive(Clone, Debug, Default)]
struct Scene {
    /// The database is away.
    away: Arc<AtomicBool>,
    /// One of so many attempts, at random, succeeds while it is; 0 for none.
    one_of: Arc<AtomicU64>,
    attempts: Arc<AtomicU64>,
    done: Seen<Step>,
}

impl Scene {
    fn away() -> Self {
        let scene = Scene::default();
        scene.away.store(true, Ordering::Relaxed);
        scene
    }

    fn back(&self) {
        self.away.store(false, Ordering::Relaxed);
    }

    fn write(&self, step: Step) -> Result {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let works = match self.one_of.load(Ordering::Relaxed) {
            0 => false,
            of => mixed(attempt).is_multiple_of(of),
        };
        if step.key.starts_with("poison") {
            Err("no database takes this")?;
        }
        if self.away.load(Ordering::Relaxed) && !works {
            Err("the database does not answer")?;
        }
        self.done.add(step);
        Ok(())
    }
}

/// A number that looks like a random one, the same in every run: `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[event_handler(topic = Step::TOPIC)]
async fn write(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    scene.write(step)
}

#[event_bus(group = "database", state = Scene, handlers = [write])]
struct Database;

async fn publish(bus: &Running, keys: impl IntoIterator<Item = String>) -> usize {
    let mut count = 0;
    for key in keys {
        bus.publish(&step(&key, 1)).await.expect("published");
        count += 1;
    }
    count
}

fn names(name: &str, keys: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    keys.map(move |key| format!("{name}-{key}"))
}

fn is_braked(bus: &Running) -> bool {
    let braked = |problem: &Problem| matches!(problem, Problem::Braked { .. });
    bus.health().problems.iter().any(braked)
}

/// Everything was handled, all is well, and the log has said when it was not.
async fn all_is_well(bus: Running, scene: &Scene, handled: usize, dead: u64) -> Report {
    assert_eq!(scene.done.count(), handled);
    assert_eq!(bus.health().problems, []);
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(report.handled(), handled as u64, "{report}");
    assert_eq!(
        (report.dead_lettered(), report.released()),
        (dead, 0),
        "{report}"
    );
    let lines = Logged::here().lines();
    let told = |start: &str| {
        let about = ["its events wait", "they are held"];
        let line = |text: &str| text.starts_with(start) && about.iter().any(|it| text.contains(it));
        lines.iter().filter(|line_| line(&line_.text)).count()
    };
    let over = told("no longer: ");
    assert!(over > 0 && told("") == 2 * over, "{lines:#?}");
    report
}

const QUICKLY: Retry =
    Retry::attempts(3).backoff(Duration::from_millis(5), Duration::from_millis(5));

#[event_handler(topic = Step::TOPIC, retry = QUICKLY)]
async fn impatient(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    scene.write(step)
}

#[event_bus(group = "impatient", state = Scene, handlers = [impatient])]
struct Impatient;

async fn regression_36_a_short_outage_loses_no_order_and_no_event<B: Broker>(broker: B) {
    let scene = Scene::away();
    let bus = Impatient::new(broker.config()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    for number in 1..=5 {
        for key in 0..40 {
            let step = step(&format!("k{key}"), number);
            bus.publish(&step).await.expect("published");
        }
    }
    eventually("it is braked", || is_braked(&bus).then_some(())).await;
    assert_eq!(scene.done.count(), 0);
    scene.back();
    scene.done.at_least(200).await;
    eventually("all is well", || {
        bus.health().problems.is_empty().then_some(())
    })
    .await;
    let done = scene.done.all();
    for key in 0..40 {
        assert_eq!(
            numbers(&format!("k{key}"), &done),
            [1, 2, 3, 4, 5],
            "k{key}"
        );
    }
    all_is_well(bus, &scene, 200, 0).await;
}

/// A braked bus ends within its deadline, and the broker has what it gave back.
async fn a_shutdown_of_a_braked_bus_is_clean<B: Broker>(broker: B) {
    let scene = Scene::away();
    let config = broker.config().drain(Drain::InFlight);
    let bus = Impatient::new(config.clone()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    publish(&bus, names("k", 0..40)).await;
    eventually("it is braked", || is_braked(&bus).then_some(())).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (0, 0),
        "{report}"
    );
    assert!(report.released() == 40 && report.cancelled == 0, "{report}");
    if B::DURABLE {
        assert!(report.left.is_empty(), "{report}");
        scene.back();
        let bus = Impatient::new(config).start(scene.clone()).await;
        let bus = bus.expect("it starts again");
        scene.done.at_least(40).await;
        bus.shutdown().await.expect("it ends");
    }
}

#[event_handler(topic = Step::TOPIC, retry = Retry::attempts(1_000_000).backoff(LONG, LONG))]
async fn patient(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    if step.number % 2 == 0 {
        return scene.write(step);
    }
    scene.done.add(step);
    Ok(())
}

const LONG: Duration = Duration::from_millis(200);

#[event_bus(group = "half", state = Scene, handlers = [patient])]
struct Half;

async fn publish_half(bus: &Running, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let step = step(&format!("k{number}"), number);
        bus.publish(&step).await.expect("published");
    }
}

async fn regression_17_half_of_the_events_fail_until_their_room_is_full<B: Broker>(broker: B) {
    const ROOM: usize = 30;
    let scene = Scene::away();
    let config = broker.config().delayed(ROOM).brake(Brake::Off);
    let bus = Half::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    // Fewer fail than there is room for: what is published later is handled.
    publish_half(&bus, 0..40).await;
    scene.done.at_least(20).await;
    publish_half(&bus, 40..50).await;
    scene.done.at_least(25).await;
    assert_eq!(bus.health().problems, []);
    publish_half(&bus, 50..500).await;
    eventually("the room is full", || {
        let full = |problem: &Problem| matches!(problem, Problem::DelayedFull { .. });
        bus.health().problems.iter().any(full).then_some(())
    })
    .await;
    assert!(bus.load().delayed <= ROOM, "{:?}", bus.load());
    scene.back();
    scene.done.at_least(500).await;
    eventually("all is well", || {
        bus.health().problems.is_empty().then_some(())
    })
    .await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (500, 0),
        "{report}"
    );
}

async fn regression_16_one_poison_key_leaves_99_good_ones_alone<B: Broker>(broker: B) {
    let scene = Scene::default();
    let config = broker.config().drain(Drain::InFlight);
    let bus = Impatient::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    for number in 1..=10 {
        for key in 0..99 {
            let good = step(&format!("good-{key}"), number);
            bus.publish(&good).await.expect("published");
        }
        bus.publish(&step("poison", number))
            .await
            .expect("published");
    }
    scene.done.at_least(990).await;
    let done = scene.done.all();
    let all: Vec<u64> = (1..=10).collect();
    for key in 0..99 {
        assert_eq!(numbers(&format!("good-{key}"), &done), all, "good-{key}");
    }
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(report.handled(), 990, "{report}");
}

async fn regression_36_one_bad_event_alone_is_a_dead_letter_when_its_bus_ends(_: Memory) {
    let scene = Scene::default();
    let bus = Impatient::new(Config::memory()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    publish(&bus, names("poison", 0..1)).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.dead_lettered(), report.released()),
        (1, 0),
        "{report}"
    );
}

on! {
    every [
        regression_36_a_short_outage_loses_no_order_and_no_event,
        a_shutdown_of_a_braked_bus_is_clean,
        regression_17_half_of_the_events_fail_until_their_room_is_full,
        regression_16_one_poison_key_leaves_99_good_ones_alone,
    ]
    memory [regression_36_one_bad_event_alone_is_a_dead_letter_when_its_bus_ends]
}
