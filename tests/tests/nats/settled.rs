//! What was settled behind an unsettled event is not handled again by the next run.

use super::{PATIENCE, TOPIC, floor, jetstream, publish};
use async_nats::jetstream::Context;
use async_nats::jetstream::consumer::Config as ConsumerConfig;
use bus_runtime::prelude::*;
use bus_runtime::{Provision, Running, testing};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tests::broker::Nats;
use tests::logged::Logged;
use tests::seen::{Gate, Seen};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

const STUCK: usize = 20;
const FREE: usize = 300;
const SETTLED: &str = "bus-settled";

#[derive(Clone, Debug, Default)]
struct Scene {
    handled: Seen<String>,
    /// Lets the events of key `stuck-a` through.
    a: Gate,
    /// Lets those of key `stuck-b` through.
    b: Gate,
}

#[event_handler(topic = TOPIC, key = Record)]
async fn handle(event: Raw, key: Key, State(scene): State<Scene>) -> Result {
    match key.as_bytes() {
        Some(b"stuck-a") => scene.a.opened().await,
        Some(b"stuck-b") => scene.b.opened().await,
        _ => {}
    }
    scene.handled.add(String::from_utf8(event.0.to_vec())?);
    Ok(())
}

#[event_bus(group = "shop", state = Scene, handlers = [handle])]
struct Restarted;

fn config(nats: &Nats) -> Config {
    Config::new(nats.url()).shutdown_deadline(Duration::from_secs(5))
}

async fn start(config: Config) -> (Running, Scene) {
    testing::several_buses();
    let scene = Scene::default();
    let bus = Restarted::new(config)
        .start(scene.clone())
        .await
        .expect("the bus starts");
    (bus, scene)
}

/// Publishes events of one key; their payloads.
async fn publish_of(bus: &Running, key: &str, count: usize) -> BTreeSet<String> {
    let mut payloads = BTreeSet::new();
    for number in 0..count {
        let payload = format!("{key} {number}");
        publish(bus, Key::of(key), &payload).await;
        payloads.insert(payload);
    }
    payloads
}

/// Publishes events of a key each; their payloads.
async fn publish_free(bus: &Running, name: &str, count: usize) -> BTreeSet<String> {
    let mut payloads = BTreeSet::new();
    for number in 0..count {
        payloads.extend(publish_of(bus, &format!("{name}-{number}"), 1).await);
    }
    payloads
}

/// A run that is shut down with everything settled but the events of key `stuck-a`, which are the oldest, and
/// those of `stuck-b` in the middle. The unsettled ones.
async fn first_run(nats: &Nats) -> BTreeSet<String> {
    let (bus, scene) = start(config(nats)).await;
    let mut stuck = publish_of(&bus, "stuck-a", STUCK / 2).await;
    publish_free(&bus, "early", FREE / 2).await;
    stuck.extend(publish_of(&bus, "stuck-b", STUCK / 2).await);
    publish_free(&bus, "late", FREE / 2).await;
    scene.handled.at_least(FREE).await;
    let report = bus.shutdown().await.expect("a clean end");
    assert_eq!(report.left, Vec::<String>::new());
    assert_eq!(scene.handled.count(), FREE);
    stuck
}

/// What a run handles until everything in the stream is acknowledged.
async fn last_run(nats: &Nats) -> Vec<String> {
    let (bus, scene) = start(config(nats)).await;
    scene.a.open();
    scene.b.open();
    let js = jetstream(nats).await;
    let acknowledged = async {
        while let (floor, last) = floor(&js).await
            && floor < last
        {}
    };
    timeout(PATIENCE, acknowledged)
        .await
        .expect("all is acknowledged in time");
    bus.shutdown().await.expect("a clean end");
    let mut handled = scene.handled.all();
    handled.sort_unstable();
    handled
}

/// The consumer's configuration, as the server has it.
async fn consumer(js: &Context) -> Value {
    let info: Value = js
        .request("CONSUMER.INFO.events.shop", &json!({}))
        .await
        .expect("an answer");
    info["config"].clone()
}

/// Writes a mark by hand, as it would be left by a run of another stream or another place.
async fn rewrite(js: &Context, change: impl FnOnce(&mut Vec<String>)) {
    let mut config = consumer(js).await;
    let mark = config["metadata"][SETTLED].as_str().expect("a mark");
    let mut parts: Vec<String> = mark.splitn(5, '/').map(str::to_owned).collect();
    change(&mut parts);
    config["metadata"][SETTLED] = parts.join("/").into();
    put(js, &config).await;
}

async fn put(js: &Context, config: &Value) {
    let request = json!({ "stream_name": "events", "config": config });
    let answer: Value = js
        .request("CONSUMER.CREATE.events.shop", &request)
        .await
        .expect("an answer");
    assert!(answer.get("error").is_none(), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_with_a_backlog_repeats_nothing() {
    let nats = Nats::start();
    let js = jetstream(&nats).await;
    let (bus, _scene) = start(config(&nats)).await;
    let clean = consumer(&js).await;
    bus.shutdown().await.expect("a clean end");
    let stuck = first_run(&nats).await;

    let mut marked = consumer(&js).await;
    let metadata = marked["metadata"].as_object_mut().expect("metadata");
    assert!(metadata.remove(SETTLED).is_some(), "no mark");
    assert_eq!(marked, clean, "all else is as it was");

    // A run that is given no time to handle anything keeps the mark.
    let (bus, scene) = start(config(&nats)).await;
    bus.shutdown().await.expect("a clean end");
    assert_eq!(scene.handled.all(), Vec::<String>::new());

    let handled = last_run(&nats).await;
    assert_eq!(handled, Vec::from_iter(stuck));
    assert_eq!(consumer(&js).await, clean, "nothing is left to be said");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_loses_nothing_when_a_later_run_is_killed() {
    let nats = Nats::start();
    let mut unsettled = first_run(&nats).await;

    let second = config(&nats);
    let killed = std::thread::spawn(move || {
        let runtime = Runtime::new().expect("a runtime");
        let (bus, published, handled) = runtime.block_on(async {
            let (bus, scene) = start(second).await;
            scene.a.open();
            let mut published = publish_of(&bus, "stuck-b", STUCK).await;
            published.extend(publish_free(&bus, "second", FREE).await);
            scene.handled.at_least(STUCK / 2 + FREE).await;
            (bus, published, scene.handled)
        });
        // Its tasks are gone before they hear of an end; outside of a runtime, so that it is not shut down.
        runtime.shutdown_background();
        drop(bus);
        (published, handled.all())
    });
    let (published, handled_by_second) = killed.join().expect("no panic");
    // `stuck-b` goes on counting from 0: the same payloads as before, and twice as many.
    let mut expected: Vec<String> = Vec::new();
    expected.extend(
        unsettled
            .iter()
            .filter(|one| one.starts_with("stuck-b"))
            .cloned(),
    );
    expected.extend(
        published
            .iter()
            .filter(|one| one.starts_with("stuck-b"))
            .cloned(),
    );
    expected.sort_unstable();
    unsettled.extend(published);
    let settled_by_second: BTreeSet<String> = handled_by_second.iter().cloned().collect();
    assert_eq!(
        settled_by_second.len(),
        handled_by_second.len(),
        "nothing twice"
    );
    assert!(
        settled_by_second.is_subset(&unsettled),
        "nothing of the first run's"
    );

    let mut third = last_run(&nats).await;
    // What the killed run has settled may come again, nothing else.
    third.retain(|one| !settled_by_second.contains(one));
    assert_eq!(third, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mark_of_another_stream_is_ignored() {
    let nats = Nats::start();
    let js = jetstream(&nats).await;
    first_run(&nats).await;
    let kept = consumer(&js).await;
    let stream = js.get_stream("events").await.expect("the stream is there");
    let stream_config = stream.get_info().await.expect("its state").config;
    js.delete_stream("events").await.expect("deleted");
    // As somebody does who keeps the configurations of both.
    js.create_stream(stream_config).await.expect("made");
    put(&js, &kept).await;
    assert!(kept["metadata"][SETTLED].is_string(), "no mark");

    let (bus, scene) = start(config(&nats)).await;
    publish_free(&bus, "new", STUCK + FREE).await;
    scene.handled.at_least(STUCK + FREE).await;
    bus.shutdown().await.expect("a clean end");
    assert_eq!(scene.handled.count(), STUCK + FREE);
    assert_eq!(consumer(&js).await["metadata"].get(SETTLED), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_cannot_be_true_is_ignored() {
    let cases: [fn(&mut Vec<String>); 6] = [
        // Of another stream.
        |parts| parts[0].push('1'),
        // The consumer was set back.
        |parts| parts[1] = "3".into(),
        // The server has lost the newest events, and others may have come in their place, or have.
        |parts| parts[2] = "100000".into(),
        |parts| parts[3] = "1700000000000000000".into(),
        // As long as one gets, which the server takes, with nothing in it.
        |parts| parts[4] = "A".repeat(64 * 1024),
        // Of another version.
        |parts| parts.truncate(2),
    ];
    let mut runs = JoinSet::new();
    for change in cases {
        runs.spawn(async move {
            let nats = Nats::start();
            first_run(&nats).await;
            rewrite(&jetstream(&nats).await, change).await;
            last_run(&nats).await.len()
        });
    }
    assert_eq!(runs.join_all().await, [STUCK + FREE; 6]);
}

#[tokio::test]
async fn a_bus_that_may_not_write_a_mark_says_so_once() {
    let logged = Logged::here();
    let nats = Nats::start();
    let (bus, _scene) = start(config(&nats)).await;
    bus.shutdown().await.expect("a clean end");
    let js = jetstream(&nats).await;
    let before: ConsumerConfig = serde_json::from_value(consumer(&js).await).expect("a config");

    let (bus, scene) = start(config(&nats).provision(Provision::None)).await;
    publish_of(&bus, "stuck-a", 1).await;
    publish_free(&bus, "free", 3).await;
    scene.handled.at_least(3).await;
    let report = bus.shutdown().await.expect("a clean end");
    assert_eq!(report.left, Vec::<String>::new());
    let after: ConsumerConfig = serde_json::from_value(consumer(&js).await).expect("a config");
    assert_eq!(after, before);
    let said = logged.lines();
    let said = said
        .iter()
        .filter(|line| line.text.contains("is not written down"));
    assert_eq!(said.count(), 1);
}
