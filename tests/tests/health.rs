//! The health report from elsewhere, and what reaches the log without anybody asking.

use bus_runtime::prelude::*;
use bus_runtime::{Drain, Health, Phase, Problem};
use std::time::Duration;
use tests::logged::Logged;
use tests::on;
use tests::on::Broker;
use tests::patience::until;
use tests::seen::{Gate, Seen};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "health.asked", key = key)]
struct Asked {
    key: u32,
}

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<u32>,
}

#[event_handler(topic = Asked::TOPIC)]
async fn wait(Json(asked): Json<Asked>, State(scene): State<Scene>) {
    scene.begun.add(asked.key);
    scene.gate.opened().await;
}

#[event_bus(group = "asked", state = Scene, handlers = [wait])]
struct Waits;

fn state(health: &Health) -> (Phase, bool, bool) {
    (health.phase, health.live, health.ready)
}

async fn a_check_outlives_the_bus_and_says_how_it_is<B: Broker>(broker: B) {
    let scene = Scene::default();
    let config = broker.config().drain(Drain::InFlight);
    let bus = Waits::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    let check = bus.health_check();
    assert_eq!(state(&check.health()), (Phase::Running, true, true));
    assert_eq!(check.health(), bus.health());
    assert_eq!(check.health().to_string(), "live and ready");

    bus.publish(&Asked { key: 1 }).await.expect("published");
    scene.begun.at_least(1).await;
    let ending = tokio::spawn(bus.shutdown());
    let elsewhere = check.clone();
    until("it shuts down", || !elsewhere.health().ready).await;
    assert_eq!(state(&check.health()), (Phase::ShuttingDown, true, false));
    assert_eq!(check.health().to_string(), "live, not ready, shutting down");
    scene.gate.open();
    let report = ending.await.expect("it does not panic");
    assert_eq!(report.expect("it ends").handled(), 1);
    assert_eq!(check.health(), Health::default());
    assert_eq!(state(&check.health()), (Phase::Ended, false, false));
}

#[event_handler(topic = "health.failing", key = Record, retry = Retry::attempts(9).backoff(HOUR, HOUR))]
async fn fail(_: Raw, key: Key, State(scene): State<Scene>) -> Result {
    scene
        .begun
        .add(key.as_bytes().map_or(0, |key| u32::from(key[0])));
    Err("not today")?
}

const HOUR: Duration = Duration::from_hours(1);

#[event_bus(group = "failing", state = Scene, handlers = [fail])]
struct Fails;

/// Nobody asks for the health here until it is in the log.
async fn a_full_room_for_retries_is_in_the_log<B: Broker>(broker: B) {
    let scene = Scene::default();
    let config = broker.config().delayed(1).drain(Drain::InFlight);
    let bus = Fails::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    let publisher = bus.publisher();
    for key in ["a", "b"] {
        let event = publisher.publish_raw(
            "health.failing",
            Key::of(key),
            "",
            bus_runtime::Publish::new(),
        );
        event.await.expect("published");
    }
    scene.begun.at_least(2).await;
    let logged = |begin: &str| {
        let lines = Logged::here().lines();
        lines.iter().any(|line| line.text.starts_with(begin))
    };
    let full = "1 events wait for a retry or for their dead letter";
    until("it is in the log", || logged(full)).await;
    let problems = bus.health().problems;
    let [
        Problem::DelayedFull {
            waiting: 1,
            handlers,
        },
    ] = &*problems
    else {
        panic!("one problem: {problems:?}")
    };
    assert_eq!(*handlers, ["health::fail"]);
    assert!(bus.health().ready, "the others go on");
    bus.shutdown().await.expect("it ends");
    assert!(logged(&format!("no longer: {full}")));
}

on! {
    every [
        a_check_outlives_the_bus_and_says_how_it_is,
        a_full_room_for_retries_is_in_the_log,
    ]
}
