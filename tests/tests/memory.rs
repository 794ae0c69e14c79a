//! What `memory:` does when its log is full and when the bus ends, with handlers that publish.

use bus_runtime::prelude::*;
use bus_runtime::{Drain, Publish, PublishError};
use std::time::Duration;
use tests::logged::Logged;
use tests::on::Memory;
use tests::seen::{Gate, Seen, eventually};
use tokio::task::JoinSet;

/// The state of every bus here.
#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<u64>,
    followed: Seen<u64>,
    failed: Seen<String>,
}

impl Scene {
    async fn publish(&self, publisher: &Publisher, numbers: std::ops::Range<u64>) {
        for number in numbers {
            if let Err(error) = publisher.publish(&Follow { number }).await {
                self.failed.add(error.to_string());
            }
        }
    }
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "memory.first", key = number)]
struct First {
    number: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "memory.follow", key = number)]
struct Follow {
    number: u64,
}

const DAY: Duration = Duration::from_hours(24);

/// Publishes one event for each that it handles.
#[event_handler(topic = First::TOPIC, timeout = DAY)]
async fn first(Json(first): Json<First>, publisher: Publisher, State(scene): State<Scene>) {
    let number = first.number;
    scene.publish(&publisher, number..number + 1).await;
}

/// Publishes a hundred, once the gate is open.
#[event_handler(topic = First::TOPIC, timeout = DAY)]
async fn hundred(Json(first): Json<First>, publisher: Publisher, State(scene): State<Scene>) {
    scene.begun.add(first.number);
    scene.gate.opened().await;
    scene.publish(&publisher, 0..100).await;
}

/// Publishes until it is refused.
#[event_handler(topic = First::TOPIC, timeout = DAY)]
async fn endless(Json(first): Json<First>, publisher: Publisher, State(scene): State<Scene>) {
    scene.begun.add(first.number);
    while scene.failed.count() == 0 {
        scene.publish(&publisher, 0..1).await;
        tokio::task::yield_now().await;
    }
}

#[event_handler(topic = First::TOPIC)]
async fn dies(Json(first): Json<First>) -> Result {
    Err(HandlerError::permanent(format!(
        "{} is poisoned",
        first.number
    )))
}

#[event_handler(topic = Follow::TOPIC)]
async fn follow(Json(follow): Json<Follow>, State(scene): State<Scene>) {
    tokio::task::yield_now().await;
    scene.followed.add(follow.number);
}

/// In a group of its own.
#[event_handler(topic = Follow::TOPIC, group = "apart")]
async fn apart(Json(follow): Json<Follow>, State(scene): State<Scene>) {
    tokio::task::yield_now().await;
    scene.followed.add(follow.number);
}

#[event_bus(group = "memory", state = Scene, handlers = [first, follow])]
struct Following;

#[event_bus(group = "memory", state = Scene, handlers = [hundred, apart])]
struct Apart;

#[event_bus(group = "memory", state = Scene, handlers = [dies])]
struct Dying;

#[event_bus(group = "memory", state = Scene, handlers = [endless, follow])]
struct Endless;

fn narrow() -> Config {
    Config::memory().in_flight(4).buffer(1).memory_log(1)
}

/// Handlers that publish go on however many publishes from outside wait for room, and these go on with them.
async fn a_full_log_does_not_stop_handlers_that_publish(_: Memory) {
    const EVENTS: u64 = 50;
    let scene = Scene::default();
    let config = narrow().publish_timeout(Duration::from_secs(5));
    let bus = Following::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    let mut offering = JoinSet::new();
    for number in 0..EVENTS {
        let publisher = bus.publisher();
        offering.spawn(async move { publisher.publish(&First { number }).await });
    }
    for answer in offering.join_all().await {
        answer.expect("there is room in the end");
    }
    scene.followed.at_least(50).await;
    assert_eq!(scene.failed.all(), Vec::<String>::new());
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!((report.handled(), report.dead_lettered()), (2 * EVENTS, 0));
}

/// A dead letter has the room of its event; what it leaves no room for is told so.
async fn a_dead_letter_is_stored_in_a_full_log(_: Memory) {
    let config = narrow().shutdown_deadline(Duration::from_secs(10));
    let bus = Dying::new(config).start(Scene::default()).await;
    let bus = bus.expect("it starts");
    bus.publish(&First { number: 1 })
        .await
        .expect("it is empty");
    let with = Publish::new().timeout(Duration::from_millis(50));
    let error = bus.publish_with(&First { number: 2 }, with).await;
    let error = error.expect_err("there is no room");
    assert!(error.is_full(), "{error}");
    assert!(
        error.to_string().contains("dead letters fill it"),
        "{error}"
    );
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!(report.dead_lettered(), 1, "{report}");
    assert!(report.left.is_empty(), "{report}");
}

/// A drain waits for what one group's handler publishes to another group, which had nothing when it began.
async fn a_drain_waits_for_what_follows_in_another_group(_: Memory) {
    let scene = Scene::default();
    let config = Config::memory().in_flight(1).buffer(1);
    let bus = Apart::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    bus.publish(&First { number: 7 })
        .await
        .expect("there is room");
    scene.begun.at_least(1).await;
    let open = async {
        eventually("the drain to begin", || {
            let mut lines = Logged::here().lines().into_iter();
            lines.find(|line| line.text.contains("shutting down"))
        })
        .await;
        scene.gate.open();
    };
    let (report, ()) = tokio::join!(biased; bus.shutdown(), open);
    let report = report.expect("it runs until it is shut down");
    assert_eq!(scene.failed.all(), Vec::<String>::new());
    assert_eq!(scene.followed.all(), (0..100).collect::<Vec<_>>());
    assert!(report.left.is_empty(), "{report}");
}

/// What nobody would deliver any more is refused, not accepted and lost.
async fn a_publish_to_a_topic_that_has_ended_is_refused(_: Memory) {
    let scene = Scene::default();
    let config = Config::memory()
        .in_flight(1)
        .drain(Drain::InFlight)
        .shutdown_deadline(Duration::from_secs(5));
    let bus = Endless::new(config).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    bus.publish(&First { number: 7 })
        .await
        .expect("there is room");
    scene.begun.at_least(1).await;
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    let failed = scene.failed.all();
    assert_eq!(failed.len(), 1, "{report}");
    assert!(failed[0].contains("shut down"), "{failed:?}");
    assert_eq!(report.cancelled, 0, "{report}");
}

/// What would never fit is refused at once, also by an empty log.
async fn an_event_larger_than_the_log_is_refused_at_once(_: Memory) {
    let config = Config::memory().memory_log_bytes(1000).publish_timeout(DAY);
    let bus = Following::new(config).start(Scene::default()).await;
    let bus = bus.expect("it starts");
    let publisher = bus.publisher();
    let publish = |size: usize| {
        let payload = vec![b'x'; size];
        publisher.publish_raw("memory.first", Key::NONE, payload, Publish::new())
    };
    let error = publish(1001).await.expect_err("it is too large");
    let limit = matches!(
        error,
        PublishError::TooLarge {
            size: 1001,
            limit: 1000,
            ..
        }
    );
    assert!(limit, "{error}");
    publish(1000).await.expect("it fits just so");
    bus.shutdown().await.expect("it runs until it is shut down");
}

tests::on! {
    memory [
        a_full_log_does_not_stop_handlers_that_publish,
        a_dead_letter_is_stored_in_a_full_log,
        a_drain_waits_for_what_follows_in_another_group,
        a_publish_to_a_topic_that_has_ended_is_refused,
        an_event_larger_than_the_log_is_refused_at_once,
    ]
}
