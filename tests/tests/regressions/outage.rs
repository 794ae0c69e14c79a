//! The broker is away: at the start, while publishing, at the end.

#![cfg(feature = "nats")]

use crate::step::{Step, step};
use bus_runtime::prelude::*;
use bus_runtime::{Problem, Publish, Running, StartError};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use tests::broker::Nats;
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};
use tokio::runtime::Handle;

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<Step>,
}

#[event_handler(topic = Step::TOPIC)]
async fn wait(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.begun.add(step);
    scene.gate.opened().await;
}

#[event_bus(group = "outage", state = Scene, handlers = [wait])]
struct Outage;

/// The error of a start against this host and port, which is said in time.
async fn refused(authority: &str) -> String {
    let config = Config::new(format!("nats://ann:s3cret@{authority}"))
        .connect_timeout(Duration::from_millis(500));
    let begun = Instant::now();
    let error = Outage::new(config)
        .start(Scene::default())
        .await
        .expect_err("there is no broker");
    // Far more than the half second, and far less than the default of 30 s.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    assert!(matches!(error, StartError::Broker { .. }), "{error:?}");
    let shown = format!("{error} {error:?}");
    assert!(
        !shown.contains("s3cret") && !shown.contains("ann:"),
        "{shown}"
    );
    error.to_string()
}

async fn regression_27_a_start_without_a_broker_is_a_clear_error_in_time(_: Nats) {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let refused_url = Nats::refused_url();
    let authority = refused_url.trim_start_matches("nats://");
    let error = refused(authority).await;
    assert!(error.contains(authority), "{error}");

    // A server that takes connections and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let authority = silent.local_addr().expect("it has one").to_string();
    let error = refused(&authority).await;
    assert!(error.contains(&authority), "{error}");
    eventually("no task is left", || {
        (Handle::current().metrics().num_alive_tasks() == tasks).then_some(())
    })
    .await;
}

/// The error of a publish that may take 100 ms, which is said in time.
async fn not_published(bus: &Running) -> String {
    let with = Publish::new().timeout(Duration::from_millis(100));
    let begun = Instant::now();
    let error = bus
        .publish_with(&step("k", 1), with)
        .await
        .expect_err("there is no broker");
    // Far more than 100 ms, and half of the default.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    error.to_string()
}

async fn regression_28_a_publish_to_a_dead_broker_returns_in_time(mut nats: Nats) {
    let scene = Scene::default();
    scene.gate.open();
    let bus = Outage::new(nats.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    // Frozen, its connection stays open; killed, it is gone.
    nats.pause();
    let error = not_published(&bus).await;
    assert!(error.contains("steps.taken"), "{error}");
    nats.resume();
    nats.kill();
    for _ in 0..3 {
        let error = not_published(&bus).await;
        assert!(error.contains("steps.taken"), "{error}");
    }
    nats.restart();
    let patient = Publish::new().timeout(Duration::from_mins(1));
    let published = bus.publish_with(&step("k", 2), patient).await;
    published.expect("the broker is back");
    eventually("it is handled", || {
        scene.begun.all().contains(&step("k", 2)).then_some(())
    })
    .await;
    let report = bus.shutdown().await.expect("it ends");
    assert!(report.left.is_empty(), "{report}");
}

async fn regression_31_a_shutdown_without_its_broker_ends_within_its_deadline(mut nats: Nats) {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let deadline = Duration::from_secs(3);
    let scene = Scene::default();
    let config = nats.config().shutdown_deadline(deadline);
    let bus = Outage::new(config.clone())
        .start(scene.clone())
        .await
        .expect("it starts");
    bus.publish(&step("k", 1)).await.expect("published");
    scene.begun.at_least(1).await;
    nats.kill();
    eventually("the outage is seen", || {
        let health = bus.health();
        let away = |problem: &Problem| matches!(problem, Problem::BrokerAway { .. });
        (!health.ready && health.live && health.problems.iter().any(away)).then_some(())
    })
    .await;
    // Handled, and nobody there to acknowledge it to.
    scene.gate.open();
    let report = bus.shutdown().await.expect("it ends");
    // Some of it is the test's own: a busy machine.
    assert!(
        report.shutdown < deadline + Duration::from_secs(5),
        "{report}"
    );
    assert_eq!(report.handled(), 1, "{report}");
    eventually("no task is left", || {
        (Handle::current().metrics().num_alive_tasks() == tasks).then_some(())
    })
    .await;

    // What could not be acknowledged comes again: it was not lost.
    nats.restart();
    let again = Scene::default();
    again.gate.open();
    let config = nats
        .config()
        .nats_ack_wait(Duration::from_secs(1))
        .commit_interval(Duration::from_millis(50));
    let bus = Outage::new(config)
        .start(again.clone())
        .await
        .expect("it starts again");
    again.begun.at_least(1).await;
    bus.shutdown().await.expect("it ends");
}

on! {
    nats [
        regression_27_a_start_without_a_broker_is_a_clear_error_in_time,
        regression_28_a_publish_to_a_dead_broker_returns_in_time,
        regression_31_a_shutdown_without_its_broker_ends_within_its_deadline,
    ]
}
