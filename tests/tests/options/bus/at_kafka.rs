//! The effects that a Kafka server shows.

use super::{DAY, First, end, first, handles_one, publish, start_error, waiting};
use bus_runtime::prelude::*;
use bus_runtime::{Problem, Provision, Publish, Running};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use tests::broker::Kafka;
use tests::kafka::{committed, ends, topics};
use tests::logged::Logged;
use tests::on::{Broker, SharedKafka};
use tests::seen::eventually;

const TOPIC: &str = First::TOPIC.name();

fn server() -> &'static str {
    SharedKafka::server().url()
}

fn wire(kafka: &SharedKafka, name: &str) -> String {
    format!("{}.{name}", kafka.namespace())
}

pub(super) async fn url(kafka: SharedKafka) {
    let other = Kafka::start();
    handles_one(kafka.config().url(other.url())).await;
    let topic = wire(&kafka, TOPIC);
    assert_eq!(ends(other.url(), &topic).iter().sum::<i64>(), 1);
    assert!(!topics(server()).contains_key(&topic));
}

pub(super) async fn namespace(kafka: SharedKafka) {
    handles_one(kafka.config()).await;
    let here: Vec<_> = topics(server())
        .into_keys()
        .filter(|topic| topic.starts_with(&wire(&kafka, "")))
        .collect();
    let expected = [
        "options..dead",
        "options..replay",
        "options.first",
        "options.second",
    ];
    assert_eq!(here, expected.map(|topic| wire(&kafka, topic)));
}

pub(super) async fn group(kafka: SharedKafka) {
    handles_one(kafka.config().group("renamed")).await;
    let stands = |group: &str| {
        let offsets = committed(server(), &wire(&kafka, group), &wire(&kafka, TOPIC));
        offsets.into_iter().flatten().sum::<i64>()
    };
    assert_eq!((stands("renamed"), stands("options")), (1, 0));
}

pub(super) async fn kafka_partitions(kafka: SharedKafka) {
    handles_one(kafka.config().kafka_partitions(5)).await;
    let topics = topics(server());
    assert_eq!(topics[&wire(&kafka, TOPIC)], 5);
    assert_eq!(topics[&wire(&kafka, "options..dead")], 1, "read in order");
}

pub(super) async fn window(kafka: SharedKafka) {
    let config = kafka.config().kafka_partitions(1).window(5);
    let (bus, scene) = waiting(config).await;
    publish(&bus, 0..50).await;
    let problems = eventually("it is full", || {
        Some(bus.health().problems).filter(|problems| !problems.is_empty())
    })
    .await;
    let [
        Problem::WindowFull {
            group,
            source,
            position,
        },
    ] = &*problems
    else {
        panic!("one problem: {problems:?}")
    };
    let full = (&**group, &**source, *position);
    assert_eq!(full, ("options", "options.first/0", 0));
    assert_eq!(scene.begun.count(), 5);
    scene.gate.open();
    scene.done.at_least(50).await;
    end(bus, &scene).await;
}

pub(super) async fn connect_timeout(_: SharedKafka) {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let url = format!("kafka://{}", silent.local_addr().expect("it has one"));
    let begun = Instant::now();
    start_error(Config::new(url).connect_timeout(Duration::from_millis(200))).await;
    // Half of the default.
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
}

async fn not_published(bus: &Running, with: Publish) -> String {
    let begun = Instant::now();
    let error = bus.publish_with(&first(1), with).await;
    let error = error.expect_err("the server does not answer").to_string();
    // Half of the default.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    error
}

pub(super) async fn publish_timeout(_: SharedKafka) {
    let kafka = Kafka::start();
    let config = kafka.config().publish_timeout(Duration::from_millis(100));
    let (bus, scene) = waiting(config).await;
    kafka.pause();
    let error = not_published(&bus, Publish::new()).await;
    assert!(error.contains(TOPIC), "{error}");
    kafka.resume();
    end(bus, &scene).await;
}

pub(super) async fn publish_window(_: SharedKafka) {
    let kafka = Kafka::start();
    let config = kafka.config().publish_window(1).publish_timeout(DAY);
    let (bus, scene) = waiting(config).await;
    kafka.pause();
    let waits = async {
        let published = bus.publish(&first(2)).await;
        published.expect("the server answers in the end");
    };
    let refused = async {
        let soon = Publish::new().timeout(Duration::from_millis(100));
        let error = not_published(&bus, soon).await;
        assert!(error.contains("`publish_window`"), "{error}");
        kafka.resume();
    };
    tokio::join!(biased; waits, refused);
    scene.begun.at_least(1).await;
    end(bus, &scene).await;
    assert_eq!(scene.done.all(), [2]);
}

/// Settled events of a bus that may wait with its offsets, and of one that may not.
pub(super) async fn commit_interval(kafka: SharedKafka) {
    let stands = |group: &str| {
        let offsets = committed(server(), &wire(&kafka, group), &wire(&kafka, TOPIC));
        offsets.into_iter().flatten().sum::<i64>()
    };
    let config = |group, interval| kafka.config().group(group).commit_interval(interval);
    let (slowly, seen_slowly) = waiting(config("slowly", Duration::from_mins(2))).await;
    let (soon, seen_soon) = waiting(config("soon", Duration::from_millis(1))).await;
    seen_slowly.gate.open();
    seen_soon.gate.open();
    publish(&slowly, 0..1).await;
    seen_slowly.done.at_least(1).await;
    seen_soon.done.at_least(1).await;
    eventually("it is committed soon", || {
        (stands("soon") == 1).then_some(())
    })
    .await;
    assert_eq!(stands("slowly"), 0);
    for bus in [slowly, soon] {
        bus.shutdown().await.expect("it ends");
    }
    assert_eq!(stands("slowly"), 1, "at the latest at the end");
}

pub(super) async fn provision(kafka: SharedKafka) {
    let error = start_error(kafka.config().provision(Provision::Verify)).await;
    for named in [wire(&kafka, TOPIC), "`provision`".to_owned()] {
        assert!(error.contains(&named), "{error}");
    }
    handles_one(kafka.config().provision(Provision::Create)).await;
    for there in [Provision::Verify, Provision::None] {
        handles_one(kafka.config().provision(there)).await;
    }
}

/// The server is told it, and refuses one that is longer than it allows.
pub(super) async fn session_timeout(kafka: SharedKafka) {
    let server = Kafka::start_with("group.max.session.timeout.ms=20000");
    let config = Config::new(server.url()).namespace(kafka.namespace());
    let config = config.connect_timeout(Duration::from_secs(5));
    let error = start_error(config.clone().session_timeout(Duration::from_secs(21))).await;
    assert!(error.contains("`session_timeout`, 21s"), "{error}");
    handles_one(config.session_timeout(Duration::from_secs(20))).await;
}

/// How long a member waits for its handlers when a partition goes to another one.
pub(super) async fn revoke_drain(kafka: SharedKafka) {
    let config = kafka.config().kafka_partitions(2);
    let short = config.clone().revoke_drain(Duration::from_millis(100));
    let (bus, scene) = waiting(short).await;
    publish(&bus, 0..20).await;
    scene.begun.at_least(20).await;
    // It starts only when the first has given up a partition, whose handlers do not end by themselves.
    let (other, seen) = waiting(config).await;
    seen.begun.at_least(1).await;
    let complaints = Logged::here().complaints();
    let told = complaints
        .iter()
        .filter(|line| line.text.contains("`revoke_drain`, 100ms"));
    assert_eq!(told.count(), 1, "{complaints:?}");
    seen.gate.open();
    scene.gate.open();
    eventually("each has handled its own", || {
        (scene.done.count() + seen.done.count() == 20).then_some(())
    })
    .await;
    end(other, &seen).await;
    end(bus, &scene).await;
}
