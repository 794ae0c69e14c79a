//! Many publishes at once, publishes that cannot be durable, and handlers that publish to their own bus.

use crate::step::{Step, numbers, step};
#[cfg(feature = "nats")]
use bus_runtime::Provision;
use bus_runtime::PublishError;
use bus_runtime::prelude::*;
use std::time::Duration;
use tests::on;
use tests::on::{Broker, Memory};
use tests::seen::{Gate, Seen};

type Scene = Seen<Step>;

#[event_handler(topic = Step::TOPIC)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.add(step);
}

#[event_bus(group = "batch", state = Scene, handlers = [take])]
struct Batch;

/// Twice as many as `publish_window` allows at once.
const EVENTS: u64 = 2048;

async fn regression_14_a_batch_for_one_key_keeps_its_order<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Batch::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let one: Vec<_> = (1..=EVENTS).map(|number| step("one", number)).collect();
    let other: Vec<_> = (1..=EVENTS).map(|number| step("other", number)).collect();
    let one_by_one = async {
        let mut under_way = Vec::new();
        for step in &other {
            under_way.push(bus.publisher().enqueue(step).await.expect("there is room"));
        }
        for enqueued in under_way {
            enqueued.confirmed().await.expect("published");
        }
    };
    let (results, ()) = tokio::join!(bus.publish_all(&one), one_by_one);
    assert_eq!(results.len(), one.len());
    assert!(results.iter().all(Result::is_ok), "{results:?}");

    scene.at_least(one.len() + other.len()).await;
    bus.shutdown().await.expect("it ends");
    let all: Vec<_> = (1..=EVENTS).collect();
    assert_eq!(numbers("one", &scene.all()), all);
    assert_eq!(numbers("other", &scene.all()), all);
}

/// Each event of a batch has an outcome of its own.
async fn regression_14_one_event_of_a_batch_that_fails_is_named_by_its_place(_: Memory) {
    let bus = Batch::new(Config::memory().memory_log_bytes(64 * 1024))
        .start(Scene::default())
        .await
        .expect("it starts");
    let mut steps: Vec<_> = (1..=9).map(|number| step("k", number)).collect();
    steps[4].key = "k".repeat(100_000);
    let results = bus.publish_all(&steps).await;
    let failed: Vec<_> = (0..results.len())
        .filter(|&at| results[at].is_err())
        .collect();
    assert_eq!(failed, [4], "{results:?}");
    assert!(
        matches!(results[4], Err(PublishError::TooLarge { .. })),
        "{:?}",
        results[4]
    );
    assert_eq!(bus.shutdown().await.expect("it ends").handled(), 8);
}

#[cfg(feature = "nats")]
async fn regression_33_a_publish_without_its_stream_fails(nats: tests::broker::Nats) {
    let config = nats.config().publish_timeout(Duration::from_secs(2));
    let first = Batch::new(config.clone()).start(Scene::default()).await;
    let report = first.expect("it starts").shutdown().await;
    report.expect("it ends");
    // It makes no stream anew.
    let bus = Batch::new(config.provision(Provision::Verify))
        .start(Scene::default())
        .await
        .expect("it starts");
    let deleted = tests::jetstream::ask(nats.url(), "STREAM.DELETE.events");
    assert_eq!(deleted["success"], true, "{deleted}");
    let error = bus.publish(&step("k", 1)).await.expect_err("no stream");
    assert!(
        matches!(error, PublishError::NotConfirmed { .. }),
        "{error:?}"
    );
    assert!(error.to_string().contains("steps.taken"), "{error}");
    // The consumer has gone with its stream.
    drop(bus.shutdown().await);
}

/// An event that makes two of the next generation.
#[derive(Serialize, Deserialize, Event)]
#[event(topic = "cells.divided", key = Unordered)]
struct Divided {
    generations: u32,
}

#[event_handler(topic = Divided::TOPIC)]
async fn divide(Json(cell): Json<Divided>, publisher: Publisher) -> Result {
    if let Some(generations) = cell.generations.checked_sub(1) {
        let next = Divided { generations };
        tokio::try_join!(publisher.publish(&next), publisher.publish(&next))?;
    }
    Ok(())
}

#[event_bus(group = "cells", handlers = [divide])]
struct Cells;

async fn regression_38_handlers_that_publish_to_their_own_bus_do_not_lock_it(_: Memory) {
    let config = Config::memory().in_flight(4).buffer(1).memory_log(4);
    let bus = Cells::new(config).start().await.expect("it starts");
    for _ in 0..4 {
        let published = bus.publish(&Divided { generations: 8 }).await;
        published.expect("published");
    }
    let report = bus.shutdown().await.expect("it ends");
    let cells = 4 * (2_u64.pow(9) - 1);
    assert_eq!((report.handled(), report.released()), (cells, 0));
}

#[event_handler(topic = "gate.waited", key = Unordered)]
async fn wait(_: Raw, State(gate): State<Gate>) {
    gate.opened().await;
}

#[event_bus(group = "gate", state = Gate, handlers = [wait])]
struct Waiting;

async fn regression_38_a_full_log_is_a_clear_error(_: Memory) {
    let gate = Gate::default();
    let config = Config::memory()
        .in_flight(1)
        .buffer(1)
        .memory_log(4)
        .publish_timeout(Duration::from_millis(50));
    let bus = Waiting::new(config)
        .start(gate.clone())
        .await
        .expect("it starts");
    let mut taken = 0;
    let error = loop {
        let publisher = bus.publisher();
        let event = publisher.publish_raw("gate.waited", Key::NONE, "x", Publish::new());
        match event.await {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100, "the log has no end");
    };
    let error = error.to_string();
    assert!(error.contains("memory_log"), "{error}");
    gate.open();
    assert_eq!(bus.shutdown().await.expect("it ends").handled(), taken);
}

on! {
    every [regression_14_a_batch_for_one_key_keeps_its_order]
    memory [
        regression_14_one_event_of_a_batch_that_fails_is_named_by_its_place,
        regression_38_handlers_that_publish_to_their_own_bus_do_not_lock_it,
        regression_38_a_full_log_is_a_clear_error,
    ]
    nats [regression_33_a_publish_without_its_stream_fails]
}
