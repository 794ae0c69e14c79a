//! Asking for the end: from a handler, twice, during the start; and no longer waiting for it.

use crate::step::{Step, step};
use bus_runtime::Stop;
use bus_runtime::prelude::*;
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tests::logged::Logged;
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};
use tokio::runtime::Handle;
use tracing::Level;

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<Step>,
    done: Seen<Step>,
}

#[event_handler(topic = Step::TOPIC)]
async fn stop_it(Json(taken): Json<Step>, stop: Stop, State(scene): State<Scene>) {
    stop.stop();
    stop.stop();
    assert!(stop.is_stopped());
    scene.done.add(taken);
}

#[event_handler(topic = Step::TOPIC, group = "late", key = Unordered)]
async fn late(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.begun.add(step);
}

#[event_bus(group = "stopping", state = Scene, handlers = [stop_it, late])]
struct Stopping;

async fn regression_07_stop_from_inside_a_handler<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Stopping::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    bus.publish(&step("k", 1)).await.expect("published");
    let report = bus.run_until(pending::<()>()).await.expect("it ends");
    assert_eq!(scene.done.all(), [step("k", 1)]);
    assert!(report.handled() >= 1 && report.left.is_empty(), "{report}");
}

async fn regression_07_stop_twice_at_once_has_one_result<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Stopping::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let (stop, publisher) = (bus.stop(), bus.publisher());
    let both = [stop.clone(), stop.clone()].map(|stop| tokio::spawn(async move { stop.stop() }));
    let report = bus.run_until(pending::<()>()).await.expect("it ends");
    for stopping in both {
        stopping.await.expect("it stops");
    }
    // Nor does a request after the end do anything.
    stop.stop();
    assert!(stop.is_stopped());
    assert!(report.left.is_empty(), "{report}");
    let refused = publisher
        .publish(&step("k", 1))
        .await
        .expect_err("it has ended");
    assert!(refused.is_closed(), "{refused}");
    let ends = Logged::here().lines();
    let ends = ends
        .iter()
        .filter(|line| line.text.starts_with("shutting down"));
    assert_eq!(ends.count(), 1, "one shutdown");
}

/// The earliest that anybody outside can ask: when the start returns, before the bus is waited for.
async fn regression_07_stop_before_the_bus_is_waited_for<B: Broker>(broker: B) {
    let bus = Stopping::new(broker.config())
        .start(Scene::default())
        .await
        .expect("it starts");
    bus.stop().stop();
    let report = bus.run_until(pending::<()>()).await.expect("it ends");
    assert!(report.left.is_empty(), "{report}");
}

/// A handler of the first group asks while the second group's consumer is still being made.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn regression_07_stop_from_a_handler_during_the_start<B: Broker>(broker: B) {
    let publisher = bus_runtime::Publisher::connect(broker.config())
        .await
        .expect("it connects");
    publisher.publish(&step("k", 1)).await.expect("published");
    publisher.shutdown().await.expect("it closes");
    let scene = Scene::default();
    let bus = Stopping::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let report = bus.run_until(pending::<()>()).await.expect("it ends");
    assert_eq!(scene.done.all(), [step("k", 1)]);
    assert!(report.left.is_empty(), "{report}");
}

/// Polls a future so many times, waiting for its wakers in between, and drops it; says whether it was over.
async fn poll_some(future: impl Future, times: usize) -> bool {
    let mut future = pin!(future);
    for _ in 0..times {
        let over = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_ready())).await;
        if over {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

async fn regression_07_a_start_that_is_dropped_leaves_nothing<B: Broker>(broker: B) {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    for polls in [0, 1, 2, 3, 5, 10, 50, 200, 1000] {
        let start = Stopping::new(broker.config()).start(Scene::default());
        // One that is over returns a bus, which is dropped and says so in the log.
        poll_some(start, polls).await;
    }
    eventually("the tasks of the starts are gone", || {
        (tasks() == before).then_some(())
    })
    .await;
    let bus = Stopping::new(broker.config())
        .start(Scene::default())
        .await
        .expect("it starts");
    let report = bus.shutdown().await.expect("it ends");
    assert!(report.left.is_empty(), "{report}");
}

#[event_handler(topic = Step::TOPIC)]
async fn wait(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.begun.add(step.clone());
    scene.gate.opened().await;
    scene.done.add(step);
}

#[event_bus(group = "waiting", state = Scene, handlers = [wait])]
struct Waiting;

async fn regression_07_a_shutdown_that_nobody_waits_for_goes_on<B: Broker>(broker: B) {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let scene = Scene::default();
    let bus = Waiting::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    bus.publish(&step("k", 1)).await.expect("published");
    scene.begun.at_least(1).await;

    assert!(!poll_some(bus.shutdown(), 1).await, "a handler runs still");
    scene.gate.open();
    eventually("the shutdown has ended", || {
        (tasks() == before).then_some(())
    })
    .await;
    assert_eq!(
        scene.done.all(),
        [step("k", 1)],
        "the handler was waited for"
    );
    let lines = Logged::here().lines();
    let report = lines.iter().find(|line| line.text.contains("ended after"));
    assert!(
        report.is_some_and(|line| line.level == Level::INFO),
        "{lines:?}"
    );

    let again = Scene::default();
    again.gate.open();
    let bus = Waiting::new(broker.config())
        .start(again.clone())
        .await
        .expect("it starts again");
    bus.publish(&step("k", 2)).await.expect("published");
    again.done.at_least(1).await;
    bus.shutdown().await.expect("it ends");
    assert_eq!(again.done.all(), [step("k", 2)], "the first was settled");
}

async fn regression_07_a_run_that_nobody_waits_for_shuts_down<B: Broker>(broker: B) {
    let tasks = || Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    let bus = Waiting::new(broker.config())
        .start(Scene::default())
        .await
        .expect("it starts");
    assert!(!poll_some(bus.run_until(pending::<()>()), 1).await);
    eventually("the bus has ended", || (tasks() == before).then_some(())).await;
    let complaints = Logged::here().complaints();
    assert!(
        complaints
            .iter()
            .any(|line| line.text.contains("dropped while it runs")),
        "{complaints:?}"
    );
}

on! {
    every [
        regression_07_stop_from_inside_a_handler,
        regression_07_stop_twice_at_once_has_one_result,
        regression_07_stop_before_the_bus_is_waited_for,
        regression_07_a_start_that_is_dropped_leaves_nothing,
        regression_07_a_shutdown_that_nobody_waits_for_goes_on,
        regression_07_a_run_that_nobody_waits_for_shuts_down,
    ]
    durable [regression_07_stop_from_a_handler_during_the_start]
}
