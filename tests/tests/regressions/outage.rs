//! The broker is away: at the start, while publishing, at the end.

#![cfg(any(feature = "nats", feature = "kafka"))]

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use bus_runtime::{Problem, Publish, Running, StartError};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use tests::broker::{Kind, Server};
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
async fn refused<K: Kind>(authority: &str) -> String {
    // A URL for Kafka has no user.
    let user = if K::SCHEME == "nats" {
        "ann:s3cret@"
    } else {
        ""
    };
    let config = Config::new(format!("{}://{user}{authority}", K::SCHEME))
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

async fn regression_27_a_start_without_a_broker_is_a_clear_error_in_time<K: Kind>(_: Server<K>) {
    let tasks = Handle::current().metrics().num_alive_tasks();
    let refused_url = Server::<K>::refused_url();
    let (_, authority) = refused_url.split_once("://").expect("it has a scheme");
    let error = refused::<K>(authority).await;
    assert!(error.contains(authority), "{error}");

    // A server that takes connections and says nothing.
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let authority = silent.local_addr().expect("it has one").to_string();
    let error = refused::<K>(&authority).await;
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

async fn regression_28_a_publish_to_a_dead_broker_returns_in_time<K: Kind>(mut server: Server<K>)
where
    Server<K>: Broker,
{
    let scene = Scene::default();
    scene.gate.open();
    let bus = Outage::new(server.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    // Frozen, its connection stays open; killed, it is gone.
    server.pause();
    let error = not_published(&bus).await;
    assert!(error.contains("steps.taken"), "{error}");
    server.resume();
    server.kill();
    for _ in 0..3 {
        let error = not_published(&bus).await;
        assert!(error.contains("steps.taken"), "{error}");
    }
    server.restart();
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

async fn regression_31_a_shutdown_without_its_broker_ends_within_its_deadline<K: Kind>(
    mut server: Server<K>,
) where
    Server<K>: Broker,
{
    let tasks = Handle::current().metrics().num_alive_tasks();
    let deadline = Duration::from_secs(3);
    let scene = Scene::default();
    let config = server.config().shutdown_deadline(deadline);
    let bus = Outage::new(config.clone())
        .start(scene.clone())
        .await
        .expect("it starts");
    bus.publish(&step("k", 1)).await.expect("published");
    scene.begun.at_least(1).await;
    server.kill();
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
    if K::SCHEME == "kafka" {
        // A client cannot be ended without its server.
        let named = |left: &String| left.contains("`outage`") && left.contains("handled again");
        assert!(report.left.iter().any(named), "{report}");
    }
    eventually("no task is left", || {
        (Handle::current().metrics().num_alive_tasks() == tasks).then_some(())
    })
    .await;

    // What could not be acknowledged comes again, unless what was left of the first has done it by then; and all that
    // is published from now on comes: nobody waits for the first.
    server.restart();
    let again = Scene::default();
    again.gate.open();
    let config = server
        .config()
        .nats_ack_wait(Duration::from_secs(1))
        .commit_interval(Duration::from_millis(50));
    let bus = Outage::new(config)
        .start(again.clone())
        .await
        .expect("it starts again");
    bus.publish(&step("k", 2)).await.expect("published");
    eventually("it is handled", || {
        again.begun.all().contains(&step("k", 2)).then_some(())
    })
    .await;
    bus.shutdown().await.expect("it ends");
    let begun = numbers("k", &again.begun.all());
    let late = K::SCHEME == "kafka" && begun == [2];
    assert!(begun == [1, 2] || late, "{begun:?}");
}

on! {
    nats [
        regression_27_a_start_without_a_broker_is_a_clear_error_in_time,
        regression_28_a_publish_to_a_dead_broker_returns_in_time,
        regression_31_a_shutdown_without_its_broker_ends_within_its_deadline,
    ]
    kafka [
        regression_27_a_start_without_a_broker_is_a_clear_error_in_time,
        regression_28_a_publish_to_a_dead_broker_returns_in_time,
        regression_31_a_shutdown_without_its_broker_ends_within_its_deadline,
    ]
}
