//! Every metric of the table is seen to change by what it is about, on each transport where that can happen.

use bus_runtime::metrics::METRICS;
use bus_runtime::prelude::*;
use bus_runtime::{Brake, Drain, Running};
use std::env;
use std::fmt::Write;
use std::fs;
use std::future::pending;
use std::time::Duration;
use tests::metered::{self, Metered};
use tests::on::{Broker, Memory};
use tests::patience::{PATIENCE, until, within};
use tests::seen::Gate;

const SOON: Duration = Duration::from_millis(5);
const HOUR: Duration = Duration::from_hours(1);
const WINDOW: u32 = 64;

#[derive(Clone, Debug, Default)]
struct Scene {
    /// What `stuck` waits for.
    stuck: Gate,
    /// What `doomed` waits for.
    doomed: Gate,
    /// Until it is open, `failing` fails.
    well: Gate,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum What {
    Handle,
    Skip,
    FailFirst,
    Fail,
    Doom,
    Panic,
    Wait,
}

const AGAIN: Retry = Retry::attempts(2).backoff(SOON, SOON);
const LATER: Retry = Retry::attempts(2).backoff(HOUR, HOUR);

#[event_handler(topic = "metrics.mixed", key = Record, retry = AGAIN, timeout = Duration::from_millis(50))]
async fn mixed(Json(what): Json<What>, about: Metadata) -> Result<Outcome> {
    match what {
        What::Handle => Ok(Outcome::Done),
        What::Skip => Ok(Outcome::Skip),
        What::FailFirst if about.attempt == 2 => Ok(Outcome::Done),
        What::FailFirst | What::Fail => Err("not today")?,
        What::Doom => Err(HandlerError::permanent("never")),
        What::Panic => panic!("on purpose"),
        What::Wait => pending().await,
    }
}

#[event_handler(topic = "metrics.later", key = Record, retry = LATER)]
async fn later(_: Raw) -> Result {
    Err("not this hour")?
}

#[event_handler(topic = "metrics.failing", key = Record, retry = AGAIN)]
async fn failing(_: Raw, State(scene): State<Scene>) -> Result {
    if scene.well.is_open() {
        Ok(())
    } else {
        Err("the database is away")?
    }
}

#[event_handler(topic = "metrics.stuck", key = Record, timeout = HOUR)]
async fn stuck(_: Raw, State(scene): State<Scene>) {
    scene.stuck.opened().await;
}

#[event_handler(topic = "metrics.doomed", key = Record, timeout = HOUR)]
async fn doomed(_: Raw, State(scene): State<Scene>) -> Result {
    scene.doomed.opened().await;
    Err(HandlerError::permanent("never"))
}

#[event_bus(group = "metrics", state = Scene, handlers = [mixed, later, failing, stuck, doomed])]
struct Measured;

fn config<B: Broker>(broker: &B) -> Config {
    broker
        .config()
        .window(WINDOW as usize)
        .brake(Brake::Off)
        .drain(Drain::InFlight)
        // A broker that is slow takes what it is given, and has not given up its consumer.
        .publish_timeout(PATIENCE)
        .session_timeout(PATIENCE)
        .commit_interval(Duration::from_millis(50))
        .shutdown_deadline(Duration::from_secs(2))
}

async fn start(config: Config, scene: &Scene) -> Running {
    let bus = Measured::new(config).start(scene.clone()).await;
    bus.expect("it starts")
}

async fn publish(publisher: &Publisher, topic: &str, payload: impl Into<bytes::Bytes>) {
    let event = publisher.publish_raw(topic, Key::of("k"), payload.into(), Publish::new());
    event.await.expect("published");
}

/// Everything that can happen to an event while the broker is well.
async fn what_becomes_of_events(bus: &Running, metered: &Metered) {
    let publisher = bus.publisher();
    let kinds = [
        What::Handle,
        What::Skip,
        What::FailFirst,
        What::Fail,
        What::Doom,
        What::Panic,
        What::Wait,
    ];
    for what in kinds {
        let payload = serde_json::to_vec(&what).expect("it can be written");
        publish(&publisher, "metrics.mixed", payload).await;
    }
    publish(&publisher, "metrics.mixed", "no such thing").await;
    let labels = ["metrics.mixed", "metrics"];
    let counted = |name: &str, label: &str| metered.seen(name, &[&labels[..], &[label]].concat());
    for (outcome, count) in [("handled", 2), ("skipped", 1), ("dead", 5)] {
        until(outcome, || counted("bus_events_total", outcome) >= count).await;
        assert_eq!(counted("bus_events_total", outcome), count, "{outcome}");
    }
    for reason in ["permanent", "exhausted", "undecodable", "timeout", "panic"] {
        until(reason, || counted("bus_dead_letters_total", reason) == 1).await;
    }
    until("retries", || {
        metered.seen("bus_retries_total", &labels) == 4
    })
    .await;
    // Of eight events four have a second attempt; what cannot be decoded counts as one.
    assert_eq!(metered.seen("bus_handler_seconds", &labels), 12);
    assert_eq!(metered.seen("bus_event_age_seconds", &labels), 8);
    let acknowledged = || metered.seen("bus_acknowledgement_seconds", &["metrics"]) > 0;
    until("it is acknowledged", acknowledged).await;

    publish(&publisher, "metrics.later", "").await;
    until("it waits", || metered.seen("bus_delayed_events", &[]) >= 1).await;
}

/// A handler that does nothing but fail, for a while.
async fn what_a_brake_does<B: Broker>(broker: &B, scene: &Scene, metered: &Metered) {
    let bus = start(config(broker).brake(Brake::After(3)), scene).await;
    for key in ["a", "b", "c"] {
        let publisher = bus.publisher();
        let event = publisher.publish_raw("metrics.failing", Key::of(key), "", Publish::new());
        event.await.expect("published");
    }
    let labels = ["metrics.failing", "metrics"];
    let all_seen = || {
        metered.seen("bus_brakes_total", &labels) == 1
            && metered.seen("bus_braked", &labels) == 1
            && metered.seen("bus_exhausted_events", &labels) > 0
            && metered.seen("bus_problems", &["braked"]) == 1
    };
    until("it is braked", all_seen).await;
    scene.well.open();
    let handled = || metered.seen("bus_events_total", &[&labels[..], &["handled"]].concat()) == 3;
    until("it goes on", handled).await;
    bus.shutdown().await.expect("it ends");
}

/// A key that is stuck, until its source's window is full; then the shutdown, which cancels it.
async fn what_a_stuck_handler_does(bus: Running, metered: &Metered) {
    let publisher = bus.publisher();
    for _ in 0..WINDOW + 10 {
        publish(&publisher, "metrics.stuck", "stuck").await;
    }
    let labels = ["metrics.stuck", "metrics"];
    until("it runs", || {
        metered.seen("bus_in_flight_events", &labels) == 1
    })
    .await;
    until("its followers wait", || {
        metered.seen("bus_buffered_events", &[]) > 2
    })
    .await;
    until("they have bytes", || {
        metered.seen("bus_held_bytes", &[]) > 10
    })
    .await;
    let full = || metered.seen("bus_window_events", &["metrics"]) >= u64::from(WINDOW);
    until("the window is full", full).await;
    until("it is a problem", || {
        metered.seen("bus_problems", &["window_full"]) == 1
    })
    .await;
    until("it runs", || metered.seen("bus_live", &[]) == 1).await;
    until("it is ready", || metered.seen("bus_ready", &[]) == 1).await;

    let under_way = || {
        for _ in 0..100 {
            let publisher = publisher.clone();
            tokio::spawn(async move {
                let event = publisher.publish_raw("metrics.nobody", Key::NONE, "", Publish::new());
                // The last of them may come when the bus has ended.
                drop(event.await);
            });
        }
        metered.seen("bus_publishes_under_way", &[]) > 0
    };
    until("publishes are under way", under_way).await;
    let cancelled = || metered.seen("bus_cancellations_total", &labels);
    let before = cancelled();
    bus.shutdown().await.expect("it ends");
    assert_eq!(cancelled(), before + 1);
    assert!(metered.seen("bus_events_total", &[&labels[..], &["released"]].concat()) >= 1);

    let event = publisher.publish_raw("metrics.late", Key::NONE, "", Publish::new());
    event.await.expect_err("the bus has ended");
    assert_eq!(
        metered.seen("bus_publishes_total", &["metrics.late", "failed"]),
        1
    );
    assert!(metered.seen("bus_publishes_total", &["metrics.mixed", "stored"]) >= 8);
    assert!(metered.seen("bus_publish_seconds", &["metrics.mixed"]) >= 8);
}

/// A dead letter that the broker does not take while it does not answer.
#[cfg(any(feature = "nats", feature = "kafka"))]
async fn what_a_silent_broker_does<K: tests::broker::Kind>(
    broker: &tests::broker::Server<K>,
    scene: &Scene,
    metered: &Metered,
) where
    tests::broker::Server<K>: Broker,
{
    let patient = Publisher::connect(config(broker)).await;
    let patient = patient.expect("it connects");
    let impatient = config(broker).publish_timeout(Duration::from_secs(3));
    let bus = start(impatient, scene).await;
    publish(&patient, "metrics.doomed", "").await;
    let labels = ["metrics.doomed", "metrics"];
    until("it runs", || {
        metered.seen("bus_in_flight_events", &labels) == 1
    })
    .await;
    broker.pause();
    scene.doomed.open();
    until("it is on its way", || {
        metered.seen("bus_settling_events", &[]) == 1
    })
    .await;
    let refused = || metered.seen("bus_dead_letter_refusals_total", &labels) > 0;
    until("it is refused", refused).await;
    let problem = || metered.seen("bus_problems", &["dead_letter_refused"]) == 1;
    until("it is a problem", problem).await;
    broker.resume();
    let stored = || metered.seen("bus_dead_letters_total", &labels) == 1;
    until("it is stored", stored).await;
    until("nothing is wrong", || bus.health().problems.is_empty()).await;
    bus.shutdown().await.expect("it ends");
    patient.shutdown().await.expect("it ends");
}

#[test]
fn without_a_recorder_a_bus_runs_as_well() {
    tests::on::run(|broker: Memory| async move {
        // With the default drain, which handles everything first.
        let bus = Measured::new(broker.config()).start(Scene::default());
        let bus = bus.await.expect("it starts");
        publish(&bus.publisher(), "metrics.mixed", "\"Handle\"").await;
        let report = within("it ends", bus.shutdown()).await.expect("it ends");
        assert_eq!(report.handled(), 1, "{report}");
        assert!(report.left.is_empty(), "{report}");
    });
}

mod memory {
    use super::*;

    #[test]
    fn every_metric_is_seen() {
        metered::run(|broker: Memory| async move {
            let (scene, metered) = (Scene::default(), Metered::here());
            what_a_brake_does(&broker, &scene, &metered).await;
            let bus = start(config(&broker), &scene).await;
            what_becomes_of_events(&bus, &metered).await;
            what_a_stuck_handler_does(bus, &metered).await;
            // Its dead letters are stored at once, and an event that no handler takes is not taken.
            let not_here = [
                "bus_dead_letter_refusals_total",
                "bus_unrouted_events_total",
                "bus_settling_events",
            ];
            assert_eq!(metered.unseen(), not_here);
        });
    }
}

#[cfg(feature = "nats")]
mod nats {
    use super::*;

    #[test]
    fn every_metric_is_seen() {
        metered::run(|broker: tests::broker::Nats| async move {
            let (scene, metered) = (Scene::default(), Metered::here());
            what_a_brake_does(&broker, &scene, &metered).await;
            what_a_silent_broker_does(&broker, &scene, &metered).await;
            let bus = start(config(&broker), &scene).await;
            what_becomes_of_events(&bus, &metered).await;
            let publisher = bus.publisher();
            publish(&publisher, "metrics.elsewhere", "").await;
            let unrouted = || metered.seen("bus_unrouted_events_total", &["metrics"]) == 1;
            until("nobody takes it", unrouted).await;
            for duplicate in [false, true] {
                let event = Publish::new().id("one");
                let event = publisher.publish_raw("metrics.twice", Key::NONE, "", event);
                assert_eq!(event.await.expect("published").duplicate, duplicate);
            }
            let counted = |answer| metered.seen("bus_publishes_total", &["metrics.twice", answer]);
            assert_eq!((counted("stored"), counted("duplicate")), (1, 1));
            what_a_stuck_handler_does(bus, &metered).await;
            assert_eq!(metered.unseen(), [""; 0]);
        });
    }
}

#[cfg(feature = "kafka")]
mod kafka {
    use super::*;

    #[test]
    fn every_metric_is_seen() {
        metered::run(|broker: tests::broker::Kafka| async move {
            let (scene, metered) = (Scene::default(), Metered::here());
            what_a_brake_does(&broker, &scene, &metered).await;
            what_a_silent_broker_does(&broker, &scene, &metered).await;
            let bus = start(config(&broker), &scene).await;
            what_becomes_of_events(&bus, &metered).await;
            what_a_stuck_handler_does(bus, &metered).await;
            // A consumer asks for the topics that it has handlers for.
            assert_eq!(metered.unseen(), ["bus_unrouted_events_total"]);
        });
    }
}

/// To write the page anew, run with `METRICS=overwrite`.
#[test]
fn the_page_of_metrics_is_the_table() {
    let (page, now) = ("../docs/metrics.md", page());
    if env::var("METRICS").is_ok_and(|what| what == "overwrite") {
        fs::write(page, &now).expect("the page can be written");
    }
    let written = fs::read_to_string(page).expect("the page can be read");
    assert!(
        written == now,
        "docs/metrics.md is not the table; run with METRICS=overwrite, and read the difference"
    );
}

fn page() -> String {
    let mut page = "# Metrics\n\nMade from the table in `bus-runtime/src/observe/metrics.rs`, which is \
                    `bus_runtime::metrics::METRICS`. They go to the recorder of the `metrics` facade that is installed \
                    when the bus starts.\n\n| metric | kind | unit | labels | what it says |\n|---|---|---|---|---|\n"
        .to_owned();
    for metric in METRICS {
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{}`", label.name))
            .collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} | {} |",
            metric.name,
            metric.kind,
            metric.unit,
            labels.join(", "),
            metric.help
        )
        .expect("text");
    }
    page += "\n## Labels\n\n`topic` is the event's topic, `group` the full name of the handler's group. The others:\n\n\
             | label | of | values |\n|---|---|---|\n";
    for metric in METRICS {
        for label in metric
            .labels
            .iter()
            .filter(|label| !label.values.is_empty())
        {
            let values: Vec<_> = label
                .values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect();
            writeln!(
                page,
                "| `{}` | `{}` | {} |",
                label.name,
                metric.name,
                values.join(", ")
            )
            .expect("text");
        }
    }
    page
}
