//! Tasks and threads do not grow with topics: a bus with a thousand has as many as a bus with one, idle and at work.

mod handlers;

use bus_runtime::prelude::*;
use bus_runtime::{Publish, Running, StartError};
#[cfg(feature = "kafka")]
use handlers::Hundred;
use handlers::{Five, One, Thousand, Twenty};
use std::future::Future;
use tests::alone::{figure, runtime};
use tests::patience::{PATIENCE, until};
use tests::probe::Footprint;
use tests::seen::Gate;
use tests::{alone_on_each_transport, alone_on_kafka};

/// Handlers that wait at the gate at once, of whatever topics.
const WAITING: u32 = 64;

/// What a bus with one topic has: the measure of the others.
struct Measure {
    before: Footprint,
    idle: Footprint,
    at_work: Footprint,
}

/// Starts a bus of so many topics, lets handlers come to the gate, and shuts it down. With a measure, it has to have
/// exactly that at each point.
async fn visit(
    topics: u32,
    gate: Gate,
    start: impl Future<Output = Result<Running, StartError>>,
    measure: Option<&Measure>,
) -> Measure {
    let before = reading(
        "before the start",
        topics,
        measure.map(|measure| &measure.before),
    )
    .await;
    let bus = start.await.expect("it starts");
    let idle = reading("idle", topics, measure.map(|measure| &measure.idle)).await;

    let publisher = bus.publisher();
    for at in 0..WAITING {
        let topic = format!("footprint.h{:03}", at * topics / WAITING);
        let sent = publisher.publish_raw(&topic, Key::of(&at), "{}", Publish::new());
        sent.await.expect("it is published");
    }
    until("the handlers wait", || gate.waiting() == WAITING as usize).await;
    let at_work = reading("at work", topics, measure.map(|measure| &measure.at_work)).await;

    gate.open();
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!(report.handled(), u64::from(WAITING), "{report}");
    if let Err(left) = before.regained(PATIENCE).await {
        panic!("{topics} topics, after the shutdown: {left}");
    }
    figure(format_args!(
        "footprint: {topics} topics: before {before}; idle {idle}; {WAITING} handlers waiting {at_work}; after + 0"
    ));
    Measure {
        before,
        idle,
        at_work,
    }
}

/// What there is, when it is what was measured; without a measure, when it does not change any more.
async fn reading(when: &str, topics: u32, measure: Option<&Footprint>) -> Footprint {
    let Some(measure) = measure else {
        return Footprint::steady().await;
    };
    if let Err(difference) = measure.regained(PATIENCE).await {
        panic!("{topics} topics, {when}, against 1: {difference}");
    }
    Footprint::now()
}

fn regression_01_it_does_not_grow_with_topics(config: &Config) {
    runtime().block_on(async {
        let namespace = |topics: u32| config.clone().namespace(format!("topics-{topics}"));
        let gate = Gate::default();
        let start = One::new(namespace(0)).start(gate.clone());
        visit(1, gate, start, None).await;

        let gate = Gate::default();
        let start = One::new(namespace(1)).start(gate.clone());
        let measure = visit(1, gate, start, None).await;
        assert_eq!(
            measure.at_work.thread_count(),
            measure.before.thread_count() + 1,
            "the bus has one thread of its own, which looks after it from outside"
        );

        let gate = Gate::default();
        let start = Five::new(namespace(5)).start(gate.clone());
        visit(5, gate, start, Some(&measure)).await;

        let gate = Gate::default();
        let start = Twenty::new(namespace(20)).start(gate.clone());
        visit(20, gate, start, Some(&measure)).await;

        let gate = Gate::default();
        let start = Thousand::new(namespace(1000)).start(gate.clone());
        visit(1000, gate, start, Some(&measure)).await;
    });
}

/// The client has threads of its own: one for each broker, and those of the consumer and the producer.
#[cfg(feature = "kafka")]
fn regression_01_it_does_not_grow_from_one_topic_to_a_hundred(config: &Config) {
    // The broker has files for each partition.
    let config = config.clone().kafka_partitions(1);
    runtime().block_on(async {
        let namespace = |topics: u32| config.clone().namespace(format!("topics-{topics}"));
        let gate = Gate::default();
        let start = One::new(namespace(0)).start(gate.clone());
        visit(1, gate, start, None).await;

        let gate = Gate::default();
        let start = One::new(namespace(1)).start(gate.clone());
        let measure = visit(1, gate, start, None).await;
        figure(format_args!(
            "footprint on Kafka: threads idle {:?}, at work {:?}",
            measure.idle.threads, measure.at_work.threads
        ));

        let gate = Gate::default();
        let start = Hundred::new(namespace(100)).start(gate.clone());
        visit(100, gate, start, Some(&measure)).await;
    });
}

alone_on_each_transport!(regression_01_it_does_not_grow_with_topics);
alone_on_kafka!(regression_01_it_does_not_grow_from_one_topic_to_a_hundred);
