//! Every cause in the health report turns red and green again, there, in the metrics and in the log, which says each
//! once.

#[cfg(feature = "nats")]
use bus_runtime::Provision;
#[cfg(any(feature = "nats", feature = "kafka"))]
use bus_runtime::Publish;
use bus_runtime::prelude::*;
use bus_runtime::{Brake, Drain, Problem, Running};
#[cfg(feature = "nats")]
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tests::cause::{green, is_red, red, told, well};
#[cfg(feature = "nats")]
use tests::logged::Logged;
#[cfg(feature = "nats")]
use tests::metered::Metered;
use tests::on;
use tests::on::{Broker, Memory, PATIENCE};
use tests::patience::until;
#[cfg(feature = "nats")]
use tests::patience::within;
use tests::seen::{Gate, Seen};

/// One of a key's events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "causes.step", key = key)]
struct Step {
    key: String,
    /// What the handler orders it by that computes its own key.
    other: String,
}

fn step(key: &str) -> Step {
    let key = key.to_owned();
    Step {
        other: key.clone(),
        key,
    }
}

/// A door that threads wait at.
#[derive(Clone, Debug, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn pass(&self) {
        let (open, opened) = &*self.0;
        let open = open.lock().expect("nobody panics with it");
        drop(opened.wait_while(open, |open| !*open));
    }

    fn open(&self) {
        let (open, opened) = &*self.0;
        *open.lock().expect("nobody panics with it") = true;
        opened.notify_all();
    }
}

/// Opened also where a test fails: a runtime waits for its threads.
impl Drop for Door {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.open();
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    door: Door,
    fails: Arc<AtomicBool>,
    done: Seen<String>,
}

const SOON: Duration = Duration::from_millis(10);
const FOR_EVER: Duration = Duration::from_hours(24);
const OFTEN: Retry = Retry::attempts(1_000_000).backoff(SOON, SOON);

#[event_handler(topic = Step::TOPIC, timeout = FOR_EVER, retry = OFTEN)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    if scene.fails.load(Ordering::Relaxed) {
        Err("out of order")?;
    }
    match &*step.key {
        "waits" => scene.gate.opened().await,
        "blocks" | "blocks too" => {
            scene.gate.opened().await;
            scene.door.pass();
        }
        _ => {}
    }
    scene.done.add(step.key);
    Ok(())
}

#[event_bus(group = "causes", state = Scene, handlers = [take])]
struct Taking;

#[event_handler(topic = Step::TOPIC, key = step.other)]
async fn by_another_key(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.done.add(step.key);
}

#[event_bus(group = "other", state = Scene, handlers = [by_another_key])]
struct ByAnotherKey;

#[cfg(any(feature = "nats", feature = "kafka"))]
#[event_handler(topic = "causes.poison", key = Record)]
async fn poison(_: Raw) -> Result<(), HandlerError> {
    Err(HandlerError::permanent("poison"))
}

#[cfg(any(feature = "nats", feature = "kafka"))]
#[event_bus(group = "letters", handlers = [poison])]
struct Letters;

async fn taking(config: Config) -> (Running, Scene) {
    let scene = Scene::default();
    let bus = Taking::new(config).start(scene.clone()).await;
    (bus.expect("it starts"), scene)
}

async fn publish<'a>(bus: &Running, keys: impl IntoIterator<Item = &'a str>) {
    for key in keys {
        bus.publish(&step(key)).await.expect("published");
    }
}

async fn a_stuck_handler_turns_red_and_green_again<B: Broker>(broker: B) {
    let config = broker.config().stuck_after(Duration::from_millis(200));
    let (bus, scene) = taking(config).await;
    publish(&bus, ["waits", "waits", "goes"]).await;
    let words = ["`causes::take` is stuck", "key `waits`", "since 20"];
    red(&bus, "stuck", &words).await;
    let problems = bus.health().problems;
    assert!(
        matches!(problems[..], [Problem::Stuck { others: 0, .. }]),
        "{problems:?}"
    );
    assert!(bus.health().ready, "others go on");
    scene.done.at_least(1).await;
    // The second waits for as long as the first did.
    scene.gate.open();
    scene.done.at_least(3).await;
    green(&bus, "stuck", "is stuck").await;
    bus.shutdown().await.expect("it ends");
}

/// Every worker thread of the runtime is blocked: nothing here waits by its timers and connections until they are free.
async fn handlers_that_block_every_thread_turn_red_and_green_again<B: Broker>(broker: B) {
    let (bus, scene) = taking(broker.config()).await;
    publish(&bus, ["blocks", "blocks too"]).await;
    until("both run", || bus.load().in_flight == 2).await;
    scene.gate.open();
    let begun = Instant::now();
    let words = ["`causes::take` blocks its thread"];
    while !is_red(&bus, "blocking", &words) {
        assert!(begun.elapsed() < PATIENCE, "it is not red");
        std::thread::sleep(SOON);
    }
    let problems = bus.health().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    scene.door.open();
    scene.done.at_least(2).await;
    green(&bus, "blocking", "blocks its thread").await;
    bus.shutdown().await.expect("it ends");
}

async fn a_braked_handler_turns_red_and_green_again<B: Broker>(broker: B) {
    let (bus, scene) = taking(broker.config().brake(Brake::After(5))).await;
    scene.fails.store(true, Ordering::Relaxed);
    publish(&bus, ["a", "b", "c"]).await;
    let words = ["`causes::take`", "out of order", "its events wait"];
    red(&bus, "braked", &words).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(3).await;
    green(&bus, "braked", "its events wait").await;
    bus.shutdown().await.expect("it ends");
}

async fn a_held_event_turns_red_and_green_again(_: Memory) {
    let scene = Scene::default();
    scene.fails.store(true, Ordering::Relaxed);
    let bus = Holding::new(Config::memory()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    publish(&bus, ["a"]).await;
    let words = ["1 events of `causes::gives_up`", "out of order", "are held"];
    red(&bus, "held", &words).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(1).await;
    green(&bus, "held", "they are held").await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (1, 0),
        "{report}"
    );
}

#[event_handler(topic = Step::TOPIC, retry = Retry::attempts(2).backoff(SOON, SOON))]
async fn gives_up(Json(step): Json<Step>, State(scene): State<Scene>) -> Result {
    if scene.fails.load(Ordering::Relaxed) {
        Err("out of order")?;
    }
    scene.done.add(step.key);
    Ok(())
}

#[event_bus(group = "holding", state = Scene, handlers = [gives_up])]
struct Holding;

async fn a_full_room_for_the_delayed_turns_red_and_green_again<B: Broker>(broker: B) {
    let config = broker.config().delayed(3).brake(Brake::Off);
    let (bus, scene) = taking(config).await;
    scene.fails.store(true, Ordering::Relaxed);
    let keys: Vec<String> = (0..20).map(|key| key.to_string()).collect();
    publish(&bus, keys.iter().map(String::as_str)).await;
    let words = ["the limit `delayed`", "`causes::take` stand still"];
    red(&bus, "delayed_full", &words).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(20).await;
    well(&bus, "delayed_full").await;
    bus.shutdown().await.expect("it ends");
    // It may have been full several times.
    let (red, green) = told("limit `delayed`");
    assert!(red == green && red > 0, "{red} {green}");
}

async fn regression_51_a_full_window_turns_red_and_green_again<B: Broker>(broker: B) {
    let config = broker
        .config()
        .window(4)
        .kafka_partitions(1)
        .drain(Drain::InFlight);
    let (bus, scene) = taking(config).await;
    publish(&bus, ["waits"]).await;
    publish(&bus, ["a", "b", "c", "d", "e", "f"]).await;
    let words = ["the window of", "`causes`", "the event at"];
    red(&bus, "window_full", &words).await;
    scene.gate.open();
    scene.done.at_least(7).await;
    green(&bus, "window_full", "the window of").await;
    bus.shutdown().await.expect("it ends");
}

async fn a_key_that_differs_turns_red_and_green_again<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = ByAnotherKey::new(broker.config())
        .start(scene.clone())
        .await;
    let bus = bus.expect("it starts");
    let differing = Step {
        other: "b".to_owned(),
        ..step("a")
    };
    bus.publish(&differing).await.expect("published");
    let words = ["`causes::by_another_key`", "causes.step", "by another key"];
    red(&bus, "key_differs", &words).await;
    let agreeing: Vec<Step> = (0..999).map(|key| step(&key.to_string())).collect();
    for published in bus.publish_all(&agreeing).await {
        published.expect("published");
    }
    scene.done.at_least(1000).await;
    assert!(is_red(&bus, "key_differs", &words), "one is missing");
    publish(&bus, ["last"]).await;
    scene.done.at_least(1001).await;
    green(&bus, "key_differs", "by another key").await;
    bus.shutdown().await.expect("it ends");
}

#[cfg(any(feature = "nats", feature = "kafka"))]
const REFUSED: [&str; 2] = ["a dead letter of `causes::poison`", "could not be stored"];

/// Has three dead letters refused, or all but the first, until there is room for them.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn refused_then_stored(config: Config, make_room: impl AsyncFnOnce(&Running)) {
    let bus = Letters::new(config).start().await.expect("it starts");
    for number in 0..3 {
        let payload = "x".repeat(5000);
        let answer = bus.publisher();
        let answer = answer.publish_raw("causes.poison", Key::of(&number), payload, Publish::new());
        answer.await.expect("published");
    }
    red(&bus, "dead_letter_refused", &REFUSED).await;
    make_room(&bus).await;
    green(&bus, "dead_letter_refused", "could not be stored").await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.dead_lettered(), report.released()),
        (3, 0),
        "{report}"
    );
}

#[cfg(feature = "nats")]
async fn jetstream(broker: &tests::broker::Nats) -> async_nats::jetstream::Context {
    let client = async_nats::connect(broker.url()).await;
    async_nats::jetstream::new(client.expect("the server is there"))
}

#[cfg(feature = "nats")]
async fn regression_19_refused_dead_letters_are_red_until_the_last_of_them_is_stored_at_nats(
    broker: tests::broker::Nats,
) {
    use async_nats::jetstream::stream;
    let server = jetstream(&broker).await;
    // Somebody keeps dead letters short.
    let mut limited = stream::Config {
        name: "events~dead".to_owned(),
        subjects: vec!["events~dead.>".to_owned()],
        discard: stream::DiscardPolicy::New,
        max_messages: 1,
        ..stream::Config::default()
    };
    server.create_stream(&limited).await.expect("made");
    refused_then_stored(broker.config(), async |bus: &Running| {
        until("one is stored, two are refused", || bus.load().delayed == 2).await;
        limited.max_messages = 2;
        server.update_stream(&limited).await.expect("changed");
        until("one of the two is stored", || bus.load().delayed == 1).await;
        let still_red = is_red(bus, "dead_letter_refused", &REFUSED);
        assert!(still_red, "the other still is not");
        limited.max_messages = 3;
        server.update_stream(&limited).await.expect("changed");
    })
    .await;
}

#[cfg(feature = "kafka")]
async fn a_refused_dead_letter_turns_red_and_green_again_at_kafka(broker: tests::on::SharedKafka) {
    use tests::kafka::{change_topic, make_topic};
    let url = tests::on::SharedKafka::server().url();
    let topic = format!("{}.letters..dead", broker.namespace());
    make_topic(url, &topic, 1, &[("max.message.bytes", "1000")]).await;
    refused_then_stored(broker.config(), async |_: &Running| {
        change_topic(url, &topic, &[("max.message.bytes", "1000000")]).await;
    })
    .await;
}

#[cfg(any(feature = "nats", feature = "kafka"))]
async fn a_broker_that_is_away_turns_red_and_green_again<K: tests::broker::Kind>(
    mut server: tests::broker::Server<K>,
) where
    tests::broker::Server<K>: Broker,
{
    let (bus, scene) = taking(server.config()).await;
    publish(&bus, ["before"]).await;
    scene.done.at_least(1).await;
    server.kill();
    let words = ["the connection to the broker is lost", "reconnecting"];
    red(&bus, "broker_away", &words).await;
    let health = bus.health();
    assert!(health.live && !health.ready, "{health:?}");
    server.restart();
    green(&bus, "broker_away", "the connection to the broker is lost").await;
    assert!(bus.health().ready);
    publish(&bus, ["after"]).await;
    scene.done.at_least(2).await;
    bus.shutdown().await.expect("it ends");
}

/// Both take the events of the group, which they are told, until one of them is left.
#[cfg(feature = "nats")]
async fn regression_35_two_processes_of_one_group_turn_red_and_green_again(
    broker: tests::broker::Nats,
) {
    const WORDS: [&str; 2] = ["another process", "group `causes`"];
    let (first, _) = taking(broker.config()).await;
    let (second, _) = taking(broker.config()).await;
    let publishing = [&first, &second].map(|bus| {
        let publisher = bus.publisher();
        tokio::spawn(async move {
            // Until the bus that it belongs to ends.
            while publisher.publish(&step("goes")).await.is_ok() {}
        })
    });
    let is_told = |bus: &Running| is_red(bus, "contended", &WORDS);
    until("one of them says so", || {
        is_told(&first) || is_told(&second)
    })
    .await;
    let (stays, ends) = if is_told(&first) {
        (first, second)
    } else {
        (second, first)
    };
    ends.shutdown().await.expect("it ends");
    well(&stays, "contended").await;
    let (_, green) = told("another process");
    assert!(green > 0, "{:#?}", Logged::here().lines());
    stays.shutdown().await.expect("it ends");
    for publishing in publishing {
        publishing.await.expect("it ends");
    }
}

/// There is no green again: the bus ends.
#[cfg(feature = "nats")]
async fn a_consumer_that_is_gone_turns_red_and_ends_the_bus(broker: tests::broker::Nats) {
    let (first, _) = taking(broker.config()).await;
    first.shutdown().await.expect("it ends");
    // One that may not make the consumer again.
    let config = broker.config().provision(Provision::Verify);
    let (bus, _) = taking(config).await;
    let server = jetstream(&broker).await;
    let stream = server.get_stream("events").await.expect("it is there");
    stream.delete_consumer("causes").await.expect("deleted");
    let words = ["group `causes` cannot go on", "has no consumer `causes`"];
    red(&bus, "dead", &words).await;
    let gauge = |name| Metered::here().now(name, &[]);
    assert!(!bus.health().live && gauge("bus_live") == 0);
    let ended = within("it ends by itself", bus.run_until(pending::<()>())).await;
    let error = ended.expect_err("it cannot go on").to_string();
    assert!(error.contains("has no consumer `causes`"), "{error}");
}

on! {
    by tests::metered::run;
    every [
        a_stuck_handler_turns_red_and_green_again,
        handlers_that_block_every_thread_turn_red_and_green_again,
        a_braked_handler_turns_red_and_green_again,
        a_full_room_for_the_delayed_turns_red_and_green_again,
        regression_51_a_full_window_turns_red_and_green_again,
        a_key_that_differs_turns_red_and_green_again,
    ]
    memory [a_held_event_turns_red_and_green_again]
    nats [
        regression_19_refused_dead_letters_are_red_until_the_last_of_them_is_stored_at_nats,
        a_broker_that_is_away_turns_red_and_green_again,
        regression_35_two_processes_of_one_group_turn_red_and_green_again,
        a_consumer_that_is_gone_turns_red_and_ends_the_bus,
    ]
    cluster [a_refused_dead_letter_turns_red_and_green_again_at_kafka]
    kafka [a_broker_that_is_away_turns_red_and_green_again]
}
