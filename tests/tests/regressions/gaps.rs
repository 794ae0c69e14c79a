//! Offsets that no event has: the group's offset goes on behind them.

#![cfg(feature = "kafka")]

use crate::step::{Step, numbers, step};
use bus_runtime::prelude::*;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::Duration;
use tests::broker::Kafka;
use tests::kafka::{client, committed, ends, make_topic};
use tests::on;
use tests::on::{Broker, PATIENCE, SharedKafka};
use tests::seen::{Seen, eventually};

type Scene = Seen<Step>;

const TOPIC: &str = Step::TOPIC.name();

#[event_handler(topic = Step::TOPIC)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.add(step);
}

#[event_bus(group = "gaps", state = Scene, handlers = [take])]
struct Gaps;

fn send(producer: &BaseProducer, topic: &str, key: &str, number: u64) {
    let payload = serde_json::to_vec(&step(key, number)).expect("it is encoded");
    let record = BaseRecord::to(topic).key(key).payload(&payload);
    let queued = producer.send(record).map_err(|(error, _)| error);
    queued.expect("there is room");
}

async fn regression_23_the_offset_goes_on_behind_transactions(kafka: SharedKafka) {
    let url = SharedKafka::server().url();
    let scene = Scene::default();
    let config = kafka
        .config()
        .kafka_partitions(1)
        .commit_interval(Duration::from_millis(50));
    let bus = Gaps::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    let topic = format!("{}.{}", kafka.namespace(), TOPIC);
    let producer: BaseProducer = client(url)
        .set("transactional.id", kafka.namespace())
        .create()
        .expect("the settings are right");
    producer.init_transactions(PATIENCE).expect("it answers");
    let transaction = |numbers: &[u64]| {
        producer.begin_transaction().expect("one at a time");
        for number in numbers {
            send(&producer, &topic, "k", *number);
        }
        producer.flush(PATIENCE).expect("stored");
    };
    transaction(&[1, 2, 3]);
    producer.commit_transaction(PATIENCE).expect("committed");
    transaction(&[97, 98, 99]);
    producer.abort_transaction(PATIENCE).expect("aborted");
    transaction(&[4, 5]);
    producer.commit_transaction(PATIENCE).expect("committed");
    scene.at_least(5).await;

    // Three and a marker, three and a marker, two and a marker.
    assert_eq!(ends(url, &topic), [11]);
    let group = format!("{}.gaps", kafka.namespace());
    let stands = |offset| {
        let committed = committed(url, &group, &topic);
        (committed == [Some(offset)]).then_some(())
    };
    // Behind the last event; the marker behind it is none that anybody could handle.
    eventually("the offset is behind the last event", || stands(10)).await;
    bus.publish(&step("k", 6)).await.expect("published");
    eventually("the offset is at the end", || stands(12)).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(numbers("k", &scene.all()), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (6, 0),
        "{report}"
    );
}

async fn regression_23_the_offset_goes_on_behind_a_compacted_log(_: Kafka) {
    let eager = "log.cleaner.backoff.ms=100\nlog.cleaner.min.cleanable.ratio=0.01\n";
    let kafka = Kafka::start_with(eager);
    let compact = [
        ("cleanup.policy", "compact"),
        ("segment.bytes", "1048576"),
        ("segment.ms", "100"),
    ];
    make_topic(kafka.url(), TOPIC, 1, &compact).await;
    let producer: BaseProducer = client(kafka.url())
        .create()
        .expect("the settings are right");
    for number in 1..=50 {
        send(&producer, TOPIC, "old", number);
        send(&producer, TOPIC, &format!("once-{number}"), 1);
    }
    producer.flush(PATIENCE).expect("stored");
    // The segment that is written to is not compacted: a new one begins with an event after its time.
    let mut newest = 50;
    eventually("only the newest of the key is left", || {
        newest += 1;
        send(&producer, TOPIC, "new", newest);
        producer.flush(PATIENCE).expect("stored");
        let left = tests::kafka::read(kafka.url(), TOPIC, 51);
        let old = left
            .iter()
            .filter(|record| rdkafka::Message::key(*record) == Some(b"old"));
        (old.count() == 1).then_some(())
    })
    .await;
    let scene = Scene::default();
    let bus = Gaps::new(kafka.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    eventually("the offset is at the end", || {
        let end = ends(kafka.url(), TOPIC)[0];
        (committed(kafka.url(), "gaps", TOPIC) == [Some(end)]).then_some(())
    })
    .await;
    bus.shutdown().await.expect("it ends");
    assert_eq!(numbers("old", &scene.all()), [50]);
    let once = scene
        .all()
        .into_iter()
        .filter(|step| step.key.starts_with("once"));
    assert_eq!(once.count(), 50);
    assert_eq!(numbers("new", &scene.all()).last(), Some(&newest));
}

on! {
    cluster [regression_23_the_offset_goes_on_behind_transactions]
    kafka [regression_23_the_offset_goes_on_behind_a_compacted_log]
}
