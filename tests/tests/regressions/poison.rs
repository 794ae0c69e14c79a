//! An event that fails or panics keeps its place, and stops no other.

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use bus_runtime::{Brake, DeadReason, Report};
use std::time::Duration;
use tests::on;
use tests::on::Broker;
use tests::seen::Seen;

const KEYS: u64 = 20;

#[derive(Clone, Debug, Default)]
struct Scene {
    begun: Seen<Step>,
    done: Seen<Step>,
}

const QUICKLY: Retry =
    Retry::attempts(3).backoff(Duration::from_millis(1), Duration::from_millis(1));

#[event_handler(topic = Step::TOPIC, retry = QUICKLY)]
async fn panics(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.begun.add(step.clone());
    assert!(step.key != "k0" || step.number != 3, "on purpose");
    scene.done.add(step);
}

#[event_bus(group = "panics", state = Scene, handlers = [panics])]
struct Panicking;

#[event_handler(topic = Step::TOPIC, retry = QUICKLY)]
async fn fails_once(Json(step): Json<Step>, State(scene): State<Scene>, about: Metadata) -> Result {
    scene.begun.add(step.clone());
    if step.key == "k0" && step.number == 3 && about.attempt == 1 {
        Err("on purpose")?;
    }
    scene.done.add(step);
    Ok(())
}

#[event_bus(group = "fails", state = Scene, handlers = [fails_once])]
struct Failing;

/// Publishes 1 to 5 for each key, and shuts down when so many were handled.
async fn play(bus: bus_runtime::Running, scene: &Scene, handled: u64) -> Report {
    for number in 1..=5 {
        for key in 0..KEYS {
            let step = step(&format!("k{key}"), number);
            bus.publish(&step).await.expect("published");
        }
    }
    scene
        .done
        .at_least(usize::try_from(handled).expect("small"))
        .await;
    assert_eq!(bus.health().problems, []);
    bus.shutdown().await.expect("it ends")
}

fn others_are_untouched(scene: &Scene) {
    let begun = scene.begun.all();
    for key in 1..KEYS {
        assert_eq!(
            numbers(&format!("k{key}"), &begun),
            [1, 2, 3, 4, 5],
            "k{key}"
        );
    }
}

async fn regression_06_an_event_that_panics_is_retried_and_dead_lettered<B: Broker>(broker: B) {
    let scene = Scene::default();
    // Nothing else may have succeeded between its attempts: then it would be held.
    let config = broker.config().brake(Brake::Off);
    let bus = Panicking::new(config).start(scene.clone()).await;
    let handled = KEYS * 5 - 1;
    let report = play(bus.expect("it starts"), &scene, handled).await;

    assert_eq!(numbers("k0", &scene.begun.all()), [1, 2, 3, 3, 3, 4, 5]);
    assert_eq!(numbers("k0", &scene.done.all()), [1, 2, 4, 5]);
    others_are_untouched(&scene);
    assert_eq!(
        (report.handled(), report.retried()),
        (handled, 2),
        "{report}"
    );
    assert_eq!(
        report.handlers[0].dead,
        [(DeadReason::Panic, 1)],
        "{report}"
    );
    assert!(report.left.is_empty(), "{report}");
}

async fn regression_10_event_3_fails_once_and_keeps_its_place<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Failing::new(broker.config()).start(scene.clone()).await;
    let handled = KEYS * 5;
    let report = play(bus.expect("it starts"), &scene, handled).await;

    assert_eq!(numbers("k0", &scene.begun.all()), [1, 2, 3, 3, 4, 5]);
    assert_eq!(numbers("k0", &scene.done.all()), [1, 2, 3, 4, 5]);
    others_are_untouched(&scene);
    assert_eq!(
        (report.handled(), report.retried()),
        (handled, 1),
        "{report}"
    );
    assert_eq!(report.dead_lettered(), 0, "{report}");
}

on! {
    every [
        regression_06_an_event_that_panics_is_retried_and_dead_lettered,
        regression_10_event_3_fails_once_and_keeps_its_place,
    ]
}
