//! The effect of each option of the bus.

use crate::listed::effects;
use bus_runtime::prelude::*;
use bus_runtime::{Brake, Drain, Load, Problem, Publish, PublishError, Report, Running};
use std::time::Duration;
use tests::logged::Logged;
use tests::on::Memory;
use tests::seen::{Gate, Seen, eventually};

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<u64>,
    done: Seen<u64>,
    groups: Seen<String>,
    /// Events of the second topic that have begun.
    others: Seen<()>,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "options.first", key = number)]
struct First {
    number: u64,
    text: String,
}

const DAY: Duration = Duration::from_hours(24);

/// Waits for the gate.
#[event_handler(topic = First::TOPIC, timeout = DAY)]
async fn wait(Json(first): Json<First>, about: Metadata, State(scene): State<Scene>) {
    scene.begun.add(first.number);
    scene.groups.add(about.group.to_string());
    scene.gate.opened().await;
    scene.done.add(first.number);
}

#[event_handler(topic = "options.second", key = Unordered)]
async fn other(_: Raw, State(scene): State<Scene>) {
    scene.others.add(());
}

#[event_bus(group = "options", state = Scene, handlers = [wait, other])]
struct Waiting;

async fn waiting(config: Config) -> (Running, Scene) {
    let scene = Scene::default();
    let bus = Waiting::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    (bus, scene)
}

fn first(number: u64) -> First {
    let text = "x".repeat(80);
    First { number, text }
}

async fn publish(bus: &Running, numbers: std::ops::Range<u64>) {
    for number in numbers {
        bus.publish(&first(number)).await.expect("published");
    }
}

/// The load when the memory transport has offered the bus all that was published: the topics' turns
/// come one after the other, and an event of the second topic has come.
async fn offered(bus: &Running, scene: &Scene) -> Load {
    let event = bus.publisher();
    let event = event
        .publish_raw("options.second", Key::NONE, "", Publish::new())
        .await;
    event.expect("published");
    scene.others.at_least(1).await;
    eventually("the other handler has returned", || {
        Some(bus.load()).filter(|load| load.in_flight == scene.begun.count())
    })
    .await
}

/// Lets the handlers end, and shuts down.
async fn end(bus: Running, scene: &Scene) -> Report {
    scene.gate.open();
    bus.shutdown().await.expect("it ends")
}

async fn group(_: Memory) {
    let (bus, scene) = waiting(Config::memory().group("renamed")).await;
    publish(&bus, 0..1).await;
    end(bus, &scene).await;
    assert_eq!(scene.groups.all(), ["renamed"]);
}

async fn in_flight(_: Memory) {
    let (bus, scene) = waiting(Config::memory().in_flight(4)).await;
    publish(&bus, 0..50).await;
    // One of the four is kept for the other handler.
    scene.begun.at_least(3).await;
    let load = offered(&bus, &scene).await;
    assert_eq!((load.in_flight, scene.begun.count()), (3, 3), "{load:?}");
    let report = end(bus, &scene).await;
    assert_eq!(report.handled(), 51, "{report}");
}

async fn buffer(_: Memory) {
    let (bus, scene) = waiting(Config::memory().in_flight(2).buffer(8)).await;
    publish(&bus, 0..50).await;
    let load = offered(&bus, &scene).await;
    assert!((1..=8).contains(&load.buffered), "{load:?}");
    let report = end(bus, &scene).await;
    assert_eq!(report.handled(), 51, "{report}");
}

async fn buffer_bytes(_: Memory) {
    let (bus, scene) = waiting(Config::memory().in_flight(2).buffer_bytes(1000)).await;
    publish(&bus, 0..50).await;
    let load = offered(&bus, &scene).await;
    assert!(
        (100..=1000).contains(&load.bytes) && load.buffered < 10,
        "{load:?}"
    );
    let report = end(bus, &scene).await;
    assert_eq!(report.handled(), 51, "{report}");
}

#[event_handler(topic = First::TOPIC, retry = Retry::attempts(2).backoff(DAY, DAY))]
async fn fails(Json(first): Json<First>, State(scene): State<Scene>) -> Result {
    scene.begun.add(first.number);
    Err("on purpose")?
}

#[event_bus(group = "failing", state = Scene, handlers = [fails])]
struct Failing;

async fn delayed(_: Memory) {
    let scene = Scene::default();
    let config = Config::memory().delayed(3).drain(Drain::InFlight);
    let bus = Failing::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, 0..3).await;
    scene.begun.at_least(3).await;
    publish(&bus, 3..10).await;
    let problems = eventually("the room is full", || {
        Some(bus.health().problems).filter(|problems| !problems.is_empty())
    });
    let problems = problems.await;
    let [Problem::DelayedFull { waiting, .. }] = &*problems else {
        panic!("one problem: {problems:?}")
    };
    assert!((3..=10).contains(waiting), "{problems:?}");
    bus.shutdown().await.expect("it ends");
}

#[event_handler(topic = First::TOPIC, retry = Retry::attempts(2).backoff(Duration::ZERO, Duration::ZERO))]
async fn never(Json(first): Json<First>, State(scene): State<Scene>) -> Result {
    scene.begun.add(first.number);
    Err("on purpose")?
}

#[event_bus(group = "never", state = Scene, handlers = [never])]
struct Never;

/// Without a brake all that fail become dead letters; with one the first few are held, and the others wait.
async fn brake(_: Memory) {
    let config = Config::memory().drain(Drain::InFlight);
    for (brake, braked) in [(Brake::Off, false), (Brake::After(10), true)] {
        let scene = Scene::default();
        let bus = Never::new(config.clone().brake(brake)).start(scene.clone());
        let bus = bus.await.expect("it starts");
        publish(&bus, 0..8).await;
        scene.begun.at_least(16).await;
        if braked {
            let problem = |problem: &Problem| matches!(problem, Problem::Braked { .. });
            eventually("it is braked", || {
                bus.health().problems.iter().any(problem).then_some(())
            })
            .await;
        } else {
            eventually("nothing waits", || {
                (bus.load() == Load::default()).then_some(())
            })
            .await;
        }
        let report = bus.shutdown().await.expect("it ends");
        let (dead, released) = (report.dead_lettered(), report.released());
        let expected = if braked { (0, 8) } else { (8, 0) };
        assert_eq!((dead, released), expected, "{report}");
    }
}

async fn stuck_after(_: Memory) {
    let config = Config::memory().stuck_after(Duration::from_millis(20));
    let (bus, scene) = waiting(config).await;
    publish(&bus, 0..1).await;
    let stuck = |problem: &Problem| matches!(problem, Problem::Stuck { .. });
    eventually("it is stuck", || {
        bus.health().problems.iter().any(stuck).then_some(())
    })
    .await;
    end(bus, &scene).await;
}

async fn window(_: Memory) {
    let (bus, scene) = waiting(Config::memory().window(5)).await;
    publish(&bus, 0..50).await;
    let load = offered(&bus, &scene).await;
    assert_eq!(scene.begun.count(), 5, "{load:?}");
    let problems = eventually("it stays full", || {
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
    assert_eq!(full, ("options", "memory/options.first", 1));
    let report = end(bus, &scene).await;
    assert_eq!(report.handled(), 51, "{report}");
}

/// Ends behind the first line of the shutdown; those behind it take a while.
#[event_handler(topic = First::TOPIC)]
async fn slow(Json(first): Json<First>, State(scene): State<Scene>) {
    scene.begun.add(first.number);
    scene.gate.opened().await;
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[event_bus(group = "slow", state = Scene, handlers = [slow])]
struct Slow;

async fn drain(_: Memory) {
    const EVENTS: u64 = 500;
    for drain in [Drain::InFlight, Drain::Everything] {
        let scene = Scene::default();
        let config = Config::memory().in_flight(4).drain(drain);
        let bus = Slow::new(config)
            .start(scene.clone())
            .await
            .expect("it starts");
        publish(&bus, 0..EVENTS).await;
        scene.begun.at_least(4).await;
        let begun = || {
            let lines = Logged::here().lines();
            let ends = lines
                .iter()
                .filter(|line| line.text.starts_with("shutting down"));
            (ends.count() == if drain == Drain::InFlight { 1 } else { 2 }).then_some(())
        };
        let (report, ()) = tokio::join!(bus.shutdown(), async {
            eventually("the shutdown has begun", begun).await;
            scene.gate.open();
        });
        let report = report.expect("it ends");
        assert_eq!(report.cancelled, 0, "{report}");
        if drain == Drain::InFlight {
            assert!(
                report.handled() >= 4 && report.handled() < EVENTS,
                "{report}"
            );
        } else {
            assert_eq!(report.handled(), EVENTS, "{report}");
        }
    }
}

async fn shutdown_deadline(_: Memory) {
    let deadline = Duration::from_millis(500);
    let (bus, scene) = waiting(Config::memory().shutdown_deadline(deadline)).await;
    publish(&bus, 0..1).await;
    scene.begun.at_least(1).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!((report.cancelled, report.released()), (1, 1), "{report}");
    // Far less than the default of 25 s.
    assert!(
        report.shutdown >= deadline / 2 && report.shutdown < 20 * deadline,
        "{report}"
    );
}

/// A bus with one event in its log, which has room for no other.
async fn full(config: Config) -> (Running, Scene) {
    let (bus, scene) = waiting(config).await;
    publish(&bus, 0..1).await;
    scene.begun.at_least(1).await;
    (bus, scene)
}

async fn refused(bus: &Running, with: Publish) -> PublishError {
    let error = bus
        .publish_with(&first(1), with)
        .await
        .expect_err("there is no room");
    assert!(error.is_full(), "{error}");
    error
}

async fn publish_timeout(_: Memory) {
    let config = Config::memory()
        .memory_log(1)
        .publish_timeout(Duration::from_millis(50));
    let (bus, scene) = full(config).await;
    let begun = std::time::Instant::now();
    refused(&bus, Publish::new()).await;
    // Half of the default.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    end(bus, &scene).await;
}

async fn publish_window(_: Memory) {
    let config = Config::memory()
        .memory_log(1)
        .publish_window(1)
        .publish_timeout(DAY);
    let (bus, scene) = full(config).await;
    let waits = async {
        bus.publish(&first(2))
            .await
            .expect("there is room in the end");
    };
    let refused = async {
        let error = refused(&bus, Publish::new().timeout(Duration::from_millis(50))).await;
        assert!(error.to_string().contains("`publish_window`"), "{error}");
        scene.gate.open();
    };
    tokio::join!(biased; waits, refused);
    end(bus, &scene).await;
    assert_eq!(scene.done.all(), [0, 2]);
}

async fn memory_log(_: Memory) {
    let (bus, scene) = full(Config::memory().memory_log(1)).await;
    let error = refused(&bus, Publish::new().timeout(Duration::from_millis(50))).await;
    assert!(error.to_string().contains("`memory_log` 1 "), "{error}");
    end(bus, &scene).await;
}

async fn memory_log_bytes(_: Memory) {
    let (bus, scene) = full(Config::memory().memory_log_bytes(150)).await;
    let error = refused(&bus, Publish::new().timeout(Duration::from_millis(50))).await;
    assert!(
        error.to_string().contains("`memory_log_bytes` 150;"),
        "{error}"
    );
    end(bus, &scene).await;
}

/// Has one event published and handled.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn handles_one(config: Config) {
    let (bus, scene) = waiting(config).await;
    publish(&bus, 0..1).await;
    scene.begun.at_least(1).await;
    let report = end(bus, &scene).await;
    assert_eq!(report.handled(), 1, "{report}");
}

#[cfg(any(feature = "nats", feature = "kafka"))]
async fn start_error(config: Config) -> String {
    let error = Waiting::new(config)
        .start(Scene::default())
        .await
        .expect_err("it is refused");
    assert!(
        matches!(error, bus_runtime::StartError::Broker { .. }),
        "{error:?}"
    );
    error.to_string()
}

#[cfg(feature = "nats")]
mod at_the_server {
    use super::*;
    use bus_runtime::Provision;
    use std::net::{Ipv4Addr, TcpListener};
    use tests::broker::Nats;
    use tests::jetstream::ask;
    use tests::on::Broker;

    /// The nanoseconds in which the server writes durations.
    fn nanoseconds(time: Duration) -> u64 {
        u64::try_from(time.as_nanos()).expect("it is short")
    }

    pub(super) async fn url(nats: Nats) {
        let other = Nats::start();
        handles_one(Config::new(nats.url())).await;
        handles_one(Config::memory().url(other.url())).await;
        for nats in [&nats, &other] {
            assert_eq!(
                ask(nats.url(), "STREAM.INFO.events")["state"]["messages"],
                1
            );
        }
    }

    pub(super) async fn namespace(nats: Nats) {
        handles_one(nats.config().namespace("staging")).await;
        let staging = ask(nats.url(), "STREAM.INFO.staging");
        assert_eq!(staging["state"]["messages"], 1);
        assert_eq!(staging["config"]["subjects"][0], "staging.>");
    }

    pub(super) async fn connect_timeout(_: Nats) {
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let url = format!("nats://{}", silent.local_addr().expect("it has one"));
        let begun = std::time::Instant::now();
        start_error(Config::new(url).connect_timeout(Duration::from_millis(200))).await;
        // Half of the default.
        assert!(
            begun.elapsed() < Duration::from_secs(15),
            "{:?}",
            begun.elapsed()
        );
    }

    /// Settled events of a bus that may wait with their acknowledgement, and of one that may not.
    pub(super) async fn commit_interval(nats: Nats) {
        let pending = |group: &str| {
            ask(nats.url(), &format!("CONSUMER.INFO.events.{group}"))["num_ack_pending"].clone()
        };
        let slowly = nats
            .config()
            .group("slowly")
            .commit_interval(Duration::from_mins(2));
        let (slowly, seen_slowly) = waiting(slowly).await;
        let (soon, seen_soon) = waiting(
            nats.config()
                .group("soon")
                .commit_interval(Duration::from_millis(1)),
        )
        .await;
        seen_slowly.gate.open();
        seen_soon.gate.open();
        publish(&slowly, 0..1).await;
        seen_slowly.done.at_least(1).await;
        seen_soon.done.at_least(1).await;
        eventually("it is acknowledged soon", || {
            (pending("soon") == 0).then_some(())
        })
        .await;
        assert_eq!(pending("slowly"), 1);
        for bus in [slowly, soon] {
            bus.shutdown().await.expect("it ends");
        }
        assert_eq!(pending("slowly"), 0, "at the latest at the end");
    }

    pub(super) async fn provision(nats: Nats) {
        let error = start_error(nats.config().provision(Provision::Verify)).await;
        assert!(
            error.contains("`events`") && error.contains("`provision`"),
            "{error}"
        );
        let error = start_error(nats.config().provision(Provision::None)).await;
        assert!(error.contains("`events`"), "{error}");
        handles_one(nats.config().provision(Provision::Create)).await;
        for there in [Provision::Verify, Provision::None] {
            handles_one(nats.config().provision(there)).await;
        }
    }

    pub(super) async fn nats_partitions(nats: Nats) {
        handles_one(nats.config().nats_partitions(5)).await;
        let stream = ask(nats.url(), "STREAM.INFO.events");
        assert_eq!(
            stream["config"]["metadata"]["bus-partitions"], "5",
            "{stream}"
        );
    }

    pub(super) async fn nats_max_age(nats: Nats) {
        let age = Duration::from_mins(30);
        handles_one(nats.config().nats_max_age(age)).await;
        let stream = ask(nats.url(), "STREAM.INFO.events");
        assert_eq!(stream["config"]["max_age"], nanoseconds(age), "{stream}");
    }

    /// A server by itself keeps one copy: more is refused, where nobody asks for it one is made.
    pub(super) async fn nats_replicas(nats: Nats) {
        let error = start_error(nats.config().nats_replicas(3)).await;
        assert!(error.contains("replicas"), "{error}");
        handles_one(nats.config()).await;
    }

    pub(super) async fn nats_ack_wait(nats: Nats) {
        let wait = Duration::from_secs(77);
        handles_one(nats.config().nats_ack_wait(wait)).await;
        let consumer = ask(nats.url(), "CONSUMER.INFO.events.options");
        assert_eq!(
            consumer["config"]["ack_wait"],
            nanoseconds(wait),
            "{consumer}"
        );
    }
}
#[cfg(feature = "nats")]
use at_the_server::{
    commit_interval, connect_timeout, namespace, nats_ack_wait, nats_max_age, nats_partitions,
    nats_replicas, provision, url,
};

#[cfg(feature = "kafka")]
mod at_kafka;

effects! {
    memory [
        group, in_flight, buffer, buffer_bytes, delayed, brake, stuck_after, window, drain, shutdown_deadline,
        publish_timeout, publish_window, memory_log, memory_log_bytes,
    ]
    nats [
        url, namespace, connect_timeout, commit_interval, provision, nats_partitions, nats_max_age,
        nats_replicas, nats_ack_wait,
    ]
    kafka [kafka_partitions, session_timeout, revoke_drain] also [
        url, namespace, group, window, connect_timeout, publish_timeout, publish_window,
        commit_interval, provision,
    ]
}
