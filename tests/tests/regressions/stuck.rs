//! A key whose handler does not return holds up nobody else.

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use bus_runtime::{Load, Publish, Publisher, Running};
use std::time::{Duration, Instant};
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};

const FOR_EVER: Duration = Duration::from_hours(24);

#[derive(Clone, Debug, Default)]
struct Scene {
    /// What the handler of the stuck key waits for.
    gate: Gate,
    begun: Seen<Step>,
    done: Seen<Step>,
}

#[event_handler(topic = Step::TOPIC, timeout = FOR_EVER)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.begun.add(step.clone());
    if step.key == "stuck" {
        scene.gate.opened().await;
    }
    scene.done.add(step);
}

#[event_bus(group = "stuck", state = Scene, handlers = [take])]
struct Walk;

/// The load, when no other handler runs: what was seen may not have returned yet.
async fn only_the_stuck_one(bus: &Running) -> Load {
    eventually("one handler runs", || {
        Some(bus.load()).filter(|load| load.in_flight == 1)
    })
    .await
}

async fn regression_03_a_key_that_never_returns_leaves_the_others_alone<B: Broker>(broker: B) {
    const BACKLOG: u64 = 300;
    // The server would deliver what the bus holds again after a second, without a sign of life.
    let ack_wait = Duration::from_secs(1);
    let config = broker
        .config()
        .in_flight(4)
        .nats_ack_wait(ack_wait)
        .commit_interval(Duration::from_millis(50));
    let scene = Scene::default();
    let bus = Walk::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    for number in 1..=BACKLOG {
        bus.publish(&step("stuck", number))
            .await
            .expect("published");
    }
    scene.begun.at_least(1).await;

    // Traffic of other keys, round by round, for longer than the server waits for a sign of life.
    let for_so_long = if B::DURABLE {
        3 * ack_wait
    } else {
        Duration::ZERO
    };
    let begun = Instant::now();
    let (mut round, mut others) = (0, 0);
    let mut slowest = Duration::ZERO;
    while round < 5 || begun.elapsed() < for_so_long {
        round += 1;
        let at = Instant::now();
        for key in 0..40 {
            let free = step(&format!("free-{key}"), round);
            bus.publish(&free).await.expect("published");
            others += 1;
        }
        scene.done.at_least(others).await;
        slowest = slowest.max(at.elapsed());
    }
    println!("{others} events of other keys; the slowest round of 40 took {slowest:?}");

    let (load, health) = (only_the_stuck_one(&bus).await, bus.health());
    assert!(
        load.buffered >= usize::try_from(BACKLOG - 1).expect("small"),
        "{load:?}"
    );
    assert!(health.ready && health.problems.is_empty(), "{health:?}");
    assert_eq!(
        numbers("stuck", &scene.begun.all()),
        [1],
        "nothing runs again"
    );
    assert_eq!(
        broker.redelivered("stuck"),
        0,
        "the broker hears of what is held"
    );

    scene.gate.open();
    scene
        .done
        .at_least(others + usize::try_from(BACKLOG).expect("small"))
        .await;
    let report = bus.shutdown().await.expect("it ends");
    let all: Vec<u64> = (1..=BACKLOG).collect();
    assert_eq!(numbers("stuck", &scene.done.all()), all);
    assert_eq!(report.handled(), others as u64 + BACKLOG, "{report}");
    assert!(report.left.is_empty() && report.released() == 0, "{report}");
}

/// One handler of each topic.
macro_rules! topics {
    ($($topic:ident),*) => {
        $(
            #[event_handler(topic = concat!("stuck.", stringify!($topic)), key = Record, timeout = FOR_EVER)]
            async fn $topic(_: Raw, key: Key, State(scene): State<Scene>) {
                let number = scene.begun.count() as u64;
                let event = step(&format!("{}/{key}", stringify!($topic)), number);
                scene.begun.add(event.clone());
                if event.key == "a/0" {
                    scene.gate.opened().await;
                }
                scene.done.add(event);
            }
        )*

        const TOPICS: &[&str] = &[$(concat!("stuck.", stringify!($topic))),*];

        #[event_bus(group = "five", state = Scene, handlers = [$($topic),*])]
        struct Five;
    };
}
topics!(a, b, c, d, e);

async fn publish_to(publisher: Publisher, topic: &'static str, keys: u32) {
    for key in 0..keys {
        let event = publisher.publish_raw(topic, Key::of(&key), "", Publish::new());
        event.await.expect("published");
    }
}

async fn regression_47_one_stuck_key_among_1000_in_five_topics_stops_only_itself<B: Broker>(
    broker: B,
) {
    const KEYS: u32 = 1000;
    const ROUNDS: usize = 2;
    let scene = Scene::default();
    let config = broker.config().in_flight(8);
    let bus = Five::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    for _ in 0..ROUNDS {
        let each = TOPICS
            .iter()
            .map(|topic| tokio::spawn(publish_to(bus.publisher(), topic, KEYS)));
        for publishing in each.collect::<Vec<_>>() {
            publishing.await.expect("published");
        }
    }
    // All but the stuck one and its follower, which has not begun.
    let all = TOPICS.len() * usize::try_from(KEYS).expect("small") * ROUNDS;
    scene.done.at_least(all - ROUNDS).await;
    only_the_stuck_one(&bus).await;
    assert_eq!(scene.begun.count(), all - ROUNDS + 1);
    assert!(scene.done.all().iter().all(|event| event.key != "a/0"));

    scene.gate.open();
    scene.done.at_least(all).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(report.handled(), all as u64, "{report}");
}

on! {
    every [
        regression_03_a_key_that_never_returns_leaves_the_others_alone,
        regression_47_one_stuck_key_among_1000_in_five_topics_stops_only_itself,
    ]
}
