//! The same on Kafka, where two processes share the group and the second joins under load. The steps of both are read
//! in one order, and what goes wrong between them is seen to be found.

use bus_runtime::prelude::*;
use std::sync::Arc;
use std::time::Instant;
use tests::alone::{alone, figure, runtime};
use tests::broker::Kafka;
use tests::load::{Load, Numbered, PARTITIONS};
use tests::members::Members;
use tests::patience::within;
use tokio::sync::Semaphore;

const LOAD: Load = Load {
    keys: 10_000,
    each: 20,
    tasks: 256,
};

/// Events that the first process has settled when the second one starts.
const FIRST: u64 = 20_000;

fn members(kafka: &Kafka) -> Members {
    Members::new(env!("CARGO_BIN_EXE_crash-service"), kafka.url())
}

async fn publisher(kafka: &Kafka) -> Publisher {
    let config = Config::new(kafka.url()).kafka_partitions(PARTITIONS);
    Publisher::connect(config).await.expect("it connects")
}

/// Publishes these numbers of one key, one after the other.
fn publish(kafka: &Kafka, numbers: &[u64]) {
    runtime().block_on(async {
        let publisher = publisher(kafka).await;
        for number in numbers {
            let event = Numbered {
                key: 0,
                number: *number,
            };
            let sent = event.publish(&publisher).await;
            sent.expect("it is published");
        }
        publisher.shutdown().await.expect("nothing is left");
    });
}

#[test]
fn every_event_once_and_in_order_also_where_a_process_joins() {
    let name = "kafka::every_event_once_and_in_order_also_where_a_process_joins";
    alone(name, || {
        let (kafka, runtime) = (Kafka::start(), runtime());
        let mut members = members(&kafka);
        let first = members.start(&["sound"]);
        members.until_up(first);
        let begun = Instant::now();
        let publisher = runtime.block_on(publisher(&kafka));
        let mut publishing = runtime.spawn(async move {
            let pace = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
            LOAD.publish(&publisher, pace, |_| ()).await;
            publisher.shutdown().await.expect("nothing is left");
        });
        members.until_settled(FIRST);
        let second = members.start(&["sound"]);
        members.until_up(second);
        let joined = members.history.settled();
        members.until_settled(LOAD.events());
        let took = begun.elapsed();
        let ended = within("everything is published", &mut publishing);
        runtime.block_on(ended).expect("the task that publishes");

        let lost = members.lost(LOAD.iter());
        let history = members.close();
        assert_eq!(history.broken, Vec::<String>::new());
        assert!(lost.is_empty(), "{lost:?}");
        assert_eq!(history.settled(), LOAD.events());
        assert!(history.dead().is_empty());
        let by = [first, second].map(|member| history.settled_by(member));
        assert!(by[1] > 0, "the second process has handled nothing");
        // Kafka takes a prefix: what is settled behind an event that waits for its retry when its partition moves, is
        // settled again. Once, and only where the key has moved: else it is broken.
        let most = LOAD.events() / 100;
        assert!(history.moved < most, "{} settled again", history.moved);
        figure(format_args!(
            "load on Kafka: {} events, two processes, the second joined when {joined} were settled: by each {by:?}, 0 out of \
             order, 0 at the same time, 0 lost, {} settled again, {} attempts failed; {took:.1?}",
            LOAD.events(),
            history.moved,
            history.failed,
        ));
    });
}

#[test]
fn an_inversion_over_two_processes_is_found() {
    alone("kafka::an_inversion_over_two_processes_is_found", || {
        let kafka = Kafka::start();
        let mut members = members(&kafka);
        let first = members.start(&["sound"]);
        members.until_up(first);
        publish(&kafka, &[1]);
        members.until_settled(1);
        members.end(first);
        publish(&kafka, &[3, 2, 4]);
        let second = members.start(&["sound"]);
        members.until_settled(4);
        let history = members.close();
        let broken = format!("life {second}: `load.a/0` 3 started when only 1 was settled");
        assert_eq!(
            history.broken.first(),
            Some(&broken),
            "{:?}",
            history.broken
        );
    });
}

#[test]
fn a_loss_between_two_processes_is_found() {
    alone("kafka::a_loss_between_two_processes_is_found", || {
        let kafka = Kafka::start();
        let mut members = members(&kafka);
        let first = members.start(&["sound"]);
        members.until_up(first);
        publish(&kafka, &[1, 2]);
        members.until_settled(2);
        members.end(first);
        publish(&kafka, &[4]);
        members.start(&["sound"]);
        members.until_settled(3);
        let lost = members.lost((1..=4).map(|number| Numbered { key: 0, number }));
        let overtook = |event: &Numbered| members.history.overtook(*event);
        assert!(lost.iter().all(overtook));
        let ids: Vec<String> = lost.into_iter().map(Numbered::id).collect();
        assert_eq!(ids, ["0-3"]);
        drop(members.close());
    });
}

#[test]
fn an_overlap_of_two_processes_is_found() {
    alone("kafka::an_overlap_of_two_processes_is_found", || {
        let kafka = Kafka::start();
        let mut members = members(&kafka);
        // Its only event does not end, and another group has the same one.
        let first = members.start(&["stuck=0"]);
        members.until_up(first);
        publish(&kafka, &[1]);
        members.read_until("it is stuck", |members| members.history.runs(0) == Some(1));
        members.start(&["sound", "other"]);
        members.until_settled(1);
        let broken = "life 2: `load.a/0` 1 started while 1 ran in life 1".to_owned();
        assert_eq!(members.history.broken, [broken]);
    });
}
