//! Every cause in the health report turns red and green again, there and in the log, which says each once.

#[cfg(any(feature = "nats", feature = "kafka"))]
use bus_runtime::Publish;
use bus_runtime::prelude::*;
use bus_runtime::{Brake, Drain, Problem, Running};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tests::logged::Logged;
use tests::on;
use tests::on::{Broker, Memory, PATIENCE};
use tests::seen::{Gate, Seen, eventually};

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
        "blocks" => scene.door.pass(),
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

/// Waits until the health report has this problem; its text has all these words.
async fn red(bus: &Running, which: fn(&Problem) -> bool, words: &[&str]) {
    let problem = eventually("it is red", || {
        bus.health().problems.into_iter().find(which)
    })
    .await;
    let text = problem.to_string();
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

/// Waits until the health report has no problem; the log has told of this one, with this word, and that it is over.
async fn green(bus: &Running, word: &str) {
    eventually("it is green", || {
        bus.health().problems.is_empty().then_some(())
    })
    .await;
    let (red, green) = eventually("the log says so", || {
        let lines = Logged::here().lines();
        let with_word = lines.iter().filter(|line| line.text.contains(word));
        let (green, red): (Vec<_>, Vec<_>) = with_word
            .map(|line| line.text.clone())
            .partition(|text| text.starts_with("no longer: "));
        (green.len() >= red.len()).then_some((red, green))
    })
    .await;
    assert_eq!((red.len(), green.len()), (1, 1), "{red:#?} {green:#?}");
}

async fn a_stuck_handler_turns_red_and_green_again<B: Broker>(broker: B) {
    let config = broker.config().stuck_after(Duration::from_millis(200));
    let (bus, scene) = taking(config).await;
    publish(&bus, ["waits", "waits", "goes"]).await;
    let stuck = |problem: &Problem| matches!(problem, Problem::Stuck { others: 0, .. });
    red(&bus, stuck, &["causes::take", "key `waits`", "since 20"]).await;
    assert!(bus.health().ready, "others go on");
    scene.done.at_least(1).await;
    // The second waits for as long as the first did.
    scene.gate.open();
    scene.done.at_least(3).await;
    green(&bus, "is stuck").await;
    bus.shutdown().await.expect("it ends");
}

/// One thread that blocks can stop the timers and the connections of the whole runtime: nothing here waits by them
/// until it has ended.
async fn a_handler_that_blocks_its_thread_turns_red_and_green_again<B: Broker>(broker: B) {
    let (bus, scene) = taking(broker.config()).await;
    let publisher = bus.publisher();
    let publishing = tokio::spawn(async move { publisher.publish(&step("blocks")).await });
    let begun = Instant::now();
    let problems = loop {
        let problems = bus.health().problems;
        if !problems.is_empty() {
            break problems;
        }
        assert!(begun.elapsed() < PATIENCE, "it is not red");
        std::thread::sleep(SOON);
    };
    let [Problem::Blocking { handler }] = &*problems else {
        panic!("one problem: {problems:?}")
    };
    assert_eq!(handler, "causes::take");
    scene.door.open();
    let answer = publishing.await.expect("it does not panic");
    answer.expect("published");
    scene.done.at_least(1).await;
    green(&bus, "blocks its thread").await;
    bus.shutdown().await.expect("it ends");
}

async fn a_braked_handler_turns_red_and_green_again<B: Broker>(broker: B) {
    let (bus, scene) = taking(broker.config().brake(Brake::After(5))).await;
    scene.fails.store(true, Ordering::Relaxed);
    publish(&bus, ["a", "b", "c"]).await;
    let braked = |problem: &Problem| matches!(problem, Problem::Braked { .. });
    red(&bus, braked, &["causes::take", "out of order"]).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(3).await;
    green(&bus, "its events wait").await;
    bus.shutdown().await.expect("it ends");
}

async fn a_held_event_turns_red_and_green_again(_: Memory) {
    let scene = Scene::default();
    scene.fails.store(true, Ordering::Relaxed);
    let bus = Holding::new(Config::memory()).start(scene.clone()).await;
    let bus = bus.expect("it starts");
    publish(&bus, ["a"]).await;
    let held = |problem: &Problem| matches!(problem, Problem::Held { events: 1, .. });
    red(&bus, held, &["causes::gives_up", "out of order"]).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(1).await;
    green(&bus, "they are held").await;
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
    let full = |problem: &Problem| matches!(problem, Problem::DelayedFull { .. });
    red(&bus, full, &["causes::take", "`delayed`"]).await;
    scene.fails.store(false, Ordering::Relaxed);
    scene.done.at_least(20).await;
    eventually("it is green", || {
        bus.health().problems.is_empty().then_some(())
    })
    .await;
    bus.shutdown().await.expect("it ends");
    // It may have been full several times.
    let lines = Logged::here().lines();
    let count = |start: &str| {
        let of_it = lines
            .iter()
            .filter(|line| line.text.contains("limit `delayed`"));
        of_it.filter(|line| line.text.starts_with(start)).count()
    };
    assert!(
        count("no longer: ") > 0 && count("") == 2 * count("no longer: "),
        "{lines:#?}"
    );
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
    let full = |problem: &Problem| matches!(problem, Problem::WindowFull { .. });
    red(&bus, full, &["`causes`", "the event at"]).await;
    scene.gate.open();
    scene.done.at_least(7).await;
    green(&bus, "the window of").await;
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
    let differs = |problem: &Problem| matches!(problem, Problem::KeyDiffers { .. });
    red(&bus, differs, &["causes::by_another_key", "causes.step"]).await;
    let agreeing: Vec<Step> = (0..999).map(|key| step(&key.to_string())).collect();
    for published in bus.publish_all(&agreeing).await {
        published.expect("published");
    }
    scene.done.at_least(1000).await;
    assert!(bus.health().problems.iter().any(differs), "one is missing");
    publish(&bus, ["last"]).await;
    scene.done.at_least(1001).await;
    green(&bus, "by another key").await;
    bus.shutdown().await.expect("it ends");
}

/// Has three dead letters refused, then stored.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn refused_then_stored<F: Future<Output = ()>>(
    config: Config,
    make_room: impl FnOnce() -> F,
) {
    let bus = Letters::new(config).start().await.expect("it starts");
    for number in 0..3 {
        let payload = "x".repeat(5000);
        let answer = bus.publisher();
        let answer = answer.publish_raw("causes.poison", Key::of(&number), payload, Publish::new());
        answer.await.expect("published");
    }
    let refused = |problem: &Problem| matches!(problem, Problem::DeadLetterRefused { .. });
    red(&bus, refused, &["causes::poison"]).await;
    make_room().await;
    green(&bus, "could not be stored").await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.dead_lettered(), report.released()),
        (3, 0),
        "{report}"
    );
}

#[cfg(feature = "nats")]
async fn a_refused_dead_letter_turns_red_and_green_again_at_nats(broker: tests::broker::Nats) {
    use async_nats::jetstream::{self, stream};
    let client = async_nats::connect(broker.url()).await;
    let server = jetstream::new(client.expect("the server is there"));
    let mut limited = stream::Config {
        name: "events~dead".to_owned(),
        subjects: vec!["events~dead.>".to_owned()],
        discard: stream::DiscardPolicy::New,
        max_messages: 1,
        ..stream::Config::default()
    };
    server.create_stream(&limited).await.expect("made");
    refused_then_stored(broker.config(), || async {
        limited.max_messages = 10;
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
    refused_then_stored(broker.config(), || async {
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
    let away = |problem: &Problem| matches!(problem, Problem::BrokerAway { .. });
    red(&bus, away, &["reconnecting"]).await;
    let health = bus.health();
    assert!(health.live && !health.ready, "{health:?}");
    server.restart();
    green(&bus, "the connection to the broker is lost").await;
    assert!(bus.health().ready);
    publish(&bus, ["after"]).await;
    scene.done.at_least(2).await;
    bus.shutdown().await.expect("it ends");
}

on! {
    every [
        a_stuck_handler_turns_red_and_green_again,
        a_handler_that_blocks_its_thread_turns_red_and_green_again,
        a_braked_handler_turns_red_and_green_again,
        a_full_room_for_the_delayed_turns_red_and_green_again,
        regression_51_a_full_window_turns_red_and_green_again,
        a_key_that_differs_turns_red_and_green_again,
    ]
    memory [a_held_event_turns_red_and_green_again]
    nats [
        a_refused_dead_letter_turns_red_and_green_again_at_nats,
        a_broker_that_is_away_turns_red_and_green_again,
    ]
    cluster [a_refused_dead_letter_turns_red_and_green_again_at_kafka]
    kafka [a_broker_that_is_away_turns_red_and_green_again]
}
