//! The end of a bus whose Kafka is gone or hangs: by its deadline, with what is left said, and nothing runs after it.

use crate::{Step, step};
use bus_runtime::prelude::*;
use bus_runtime::{Problem, Running};
use std::time::{Duration, Instant};
use tests::alone::{alone, figure, runtime};
use tests::broker::Kafka;
use tests::patience::{until, within};
use tests::seen::{Gate, Seen};

const DEADLINE: Duration = Duration::from_secs(4);

/// Longer than the patience of a test: what waits for its end is found.
const SESSION: Duration = Duration::from_mins(5);

const EVENTS: usize = 40;

#[derive(Clone, Default)]
struct Watch {
    begun: Seen<()>,
    gate: Gate,
}

#[event_handler(topic = Step::TOPIC)]
async fn pass(_: Json<Step>, State(watch): State<Watch>) {
    watch.begun.add(());
    watch.gate.opened().await;
}

/// Few at once: most wait when the end comes.
#[event_bus(group = "ended", state = Watch, handlers = [pass])]
struct Ended;

#[event_bus(group = "later", state = Watch, handlers = [pass])]
struct Later;

/// Shuts a bus down that has something to commit when this has befallen its broker; then lets another group read the
/// same events when that is over.
async fn ended(
    mut kafka: Kafka,
    befalls: impl AsyncFnOnce(&mut Kafka, &Running),
    is_over: impl FnOnce(&mut Kafka),
) {
    let config = Config::new(kafka.url())
        .kafka_partitions(2)
        .in_flight(4)
        .session_timeout(SESSION)
        .shutdown_deadline(DEADLINE);
    let watch = Watch::default();
    let bus = Ended::new(config.clone()).start(watch.clone()).await;
    let bus = bus.expect("it starts");
    for at in 0..EVENTS {
        bus.publish(&step(&at.to_string()))
            .await
            .expect("published");
    }
    watch.begun.at_least(4).await;
    befalls(&mut kafka, &bus).await;
    let begun = Instant::now();
    let (report, ()) = tokio::join!(within("the shutdown", bus.shutdown()), async {
        // What runs settles while the bus ends.
        watch.gate.open();
    });
    let took = begun.elapsed();
    let report = report.expect("it ends");
    assert!(
        report
            .left
            .iter()
            .any(|left| left.contains("group `ended`")),
        "{report}"
    );
    let handled = watch.begun.count();

    is_over(&mut kafka);
    let later = Watch::default();
    later.gate.open();
    let bus = Later::new(config.shutdown_deadline(DEADLINE))
        .start(later.clone())
        .await;
    let bus = bus.expect("it starts");
    later.begun.at_least(EVENTS).await;
    within("the other's shutdown", bus.shutdown())
        .await
        .expect("it ends");
    assert_eq!(watch.begun.count(), handled, "handlers began after the end");
    figure(format_args!(
        "end on Kafka: {took:.1?} of {DEADLINE:.1?}, {} handled; left: {}",
        report.handled(),
        report.left.join("; ")
    ));
}

#[test]
fn it_ends_where_the_broker_has_gone() {
    alone("kafka::it_ends_where_the_broker_has_gone", || {
        let befalls = async |kafka: &mut Kafka, bus: &Running| {
            kafka.kill();
            let is_known = |problem: &Problem| matches!(problem, Problem::BrokerAway { .. });
            until("it is known", || bus.health().problems.iter().any(is_known)).await;
        };
        runtime().block_on(ended(Kafka::start(), befalls, Kafka::restart));
    });
}

#[test]
fn it_ends_where_the_broker_goes_at_the_same_moment() {
    alone(
        "kafka::it_ends_where_the_broker_goes_at_the_same_moment",
        || {
            let befalls = async |kafka: &mut Kafka, _: &Running| kafka.kill();
            runtime().block_on(ended(Kafka::start(), befalls, Kafka::restart));
        },
    );
}

#[test]
fn it_ends_where_the_broker_hangs() {
    alone("kafka::it_ends_where_the_broker_hangs", || {
        let befalls = async |kafka: &mut Kafka, _: &Running| kafka.pause();
        runtime().block_on(ended(Kafka::start(), befalls, |kafka| kafka.resume()));
    });
}
