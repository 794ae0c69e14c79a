//! A topic that is deleted and made anew while it is read: its offsets begin again.

#![cfg(feature = "kafka")]

use crate::step::{Step, step};
use bus_runtime::prelude::*;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use std::time::Duration;
use tests::kafka::{client, committed, ends, make_topic};
use tests::on;
use tests::on::{Broker, SharedKafka};
use tests::seen::{Seen, eventually};

type Scene = Seen<Step>;

#[event_handler(topic = Step::TOPIC)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.add(step);
}

#[event_bus(group = "remade", state = Scene, handlers = [take])]
struct Remade;

async fn a_topic_that_is_made_anew_is_handled_and_acknowledged_from_its_beginning(
    kafka: SharedKafka,
) {
    let url = SharedKafka::server().url();
    let topic = format!("{}.{}", kafka.namespace(), Step::TOPIC.name());
    let group = format!("{}.remade", kafka.namespace());
    let scene = Scene::default();
    // So long that the old offset would be committed once more on the new log.
    let config = kafka
        .config()
        .kafka_partitions(1)
        .commit_interval(Duration::from_secs(4));
    let bus = Remade::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    let publisher = bus.publisher();
    let publish = async |numbers: std::ops::RangeInclusive<u64>| {
        for number in numbers {
            publisher
                .publish(&step("k", number))
                .await
                .expect("published");
        }
    };
    publish(1..=100).await;
    scene.at_least(100).await;

    let admin: AdminClient<DefaultClientContext> =
        client(url).create().expect("the settings are right");
    let deleted = admin.delete_topics(&[&topic], &AdminOptions::new()).await;
    deleted.expect("the server answers")[0]
        .as_ref()
        .expect("deleted");
    eventually("the topic is gone", || {
        let gone = !tests::kafka::topics(url).contains_key(&topic);
        gone.then_some(())
    })
    .await;
    make_topic(url, &topic, 1, &[]).await;
    // By a client that knows nothing of the old topic.
    let fresh = Publisher::connect(kafka.config())
        .await
        .expect("it connects");
    for number in 101..=150 {
        fresh.publish(&step("k", number)).await.expect("published");
    }
    scene.at_least(150).await;
    assert_eq!(ends(url, &topic), [50]);
    eventually("the group's offset is the new log's end", || {
        (committed(url, &group, &topic) == [Some(50)]).then_some(())
    })
    .await;
    fresh.shutdown().await.expect("it ends");
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(report.left.len(), 0, "{report}");
}

on! { cluster [a_topic_that_is_made_anew_is_handled_and_acknowledged_from_its_beginning] }
