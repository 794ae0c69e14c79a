//! What the health report and the log say of windows and foreign topics.

use crate::step::{Step, step};
#[cfg(feature = "nats")]
use bus_runtime::Publish;
use bus_runtime::prelude::*;
use bus_runtime::{Drain, Running};
use std::time::Duration;
use tests::logged::Logged;
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    seen: Seen<()>,
}

#[event_handler(topic = Step::TOPIC)]
async fn first(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.seen.add(());
    if step.key == "stuck" {
        scene.gate.opened().await;
    }
}

#[event_handler(topic = Step::TOPIC, group = "other")]
async fn second(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.seen.add(());
    if step.key == "stuck" {
        scene.gate.opened().await;
    }
}

#[event_bus(group = "health", state = Scene, handlers = [first, second])]
struct Two;

const WINDOW: usize = 4;

async fn two<B: Broker>(broker: &B) -> (Running, Scene) {
    let scene = Scene::default();
    let config = broker.config().window(WINDOW);
    let config = config.drain(Drain::InFlight);
    let config = config.shutdown_deadline(Duration::from_millis(500));
    let bus = Two::new(config).start(scene.clone()).await;
    (bus.expect("it starts"), scene)
}

async fn regression_51_a_full_window_is_reported_for_each_group_and_ends_with_its_source<
    B: Broker,
>(
    broker: B,
) {
    let (bus, _scene) = two(&broker).await;
    for number in 0..10 {
        bus.publish(&step("stuck", number))
            .await
            .expect("published");
    }
    let problems = eventually("both windows are full", || {
        let problems = bus.health().problems;
        (problems.len() == 2).then_some(problems)
    })
    .await;
    let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
    for group in ["`health`", "`health~other`"] {
        let named = |text: &String| text.contains("the window of") && text.contains(group);
        assert!(texts.iter().any(named), "{group}: {texts:?}");
    }
    bus.shutdown().await.expect("it ends");
    let lines = Logged::here().lines();
    let over = lines
        .iter()
        .filter(|line| line.text.starts_with("no longer: the window of"));
    assert_eq!(over.count(), 2, "a source that has ended waits for nothing");
}

async fn regression_51_a_source_that_runs_at_its_window_has_no_problem<B: Broker>(broker: B) {
    let (bus, scene) = two(&broker).await;
    for number in 0..1000 {
        bus.publish(&step("k", number)).await.expect("published");
    }
    scene.seen.at_least(2000).await;
    bus.shutdown().await.expect("it ends");
    let lines = Logged::here().lines();
    let windows: Vec<_> = lines
        .iter()
        .filter(|line| line.text.contains("the window of"))
        .collect();
    assert!(windows.is_empty(), "{windows:?}");
}

#[cfg(feature = "nats")]
async fn events_that_nobody_here_handles_are_counted<B: Broker>(broker: B) {
    let (bus, scene) = two(&broker).await;
    let publisher = bus.publisher();
    for _ in 0..3 {
        let answer = publisher.publish_raw("health.foreign", Key::of("k"), "", Publish::new());
        answer.await.expect("published");
    }
    bus.publish(&step("k", 1)).await.expect("published");
    scene.seen.at_least(2).await;
    let unrouted = eventually("both groups count them", || {
        let unrouted = bus.health().unrouted;
        let events: u64 = unrouted.iter().map(|of_group| of_group.events).sum();
        (events == 6).then_some(unrouted)
    })
    .await;
    let health = bus.health();
    assert!(health.ready && health.problems.is_empty(), "{health:?}");
    for (of_group, group) in unrouted.iter().zip(["health", "health~other"]) {
        assert_eq!(of_group.group, group);
        assert_eq!(of_group.topics, ["health.foreign"]);
    }
    bus.shutdown().await.expect("it ends");
    let lines = Logged::here().lines();
    let told = lines
        .iter()
        .filter(|line| line.text.contains("health.foreign"));
    assert_eq!(told.count(), 2, "once a topic and group");
}

on! {
    every [
        regression_51_a_full_window_is_reported_for_each_group_and_ends_with_its_source,
        regression_51_a_source_that_runs_at_its_window_has_no_problem,
    ]
    nats [
        events_that_nobody_here_handles_are_counted,
    ]
}
