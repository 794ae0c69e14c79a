//! What a shutdown waits for, what it reports, and what it leaves.

use crate::step::{Step, numbers, step};
use bus_runtime::Drain;
use bus_runtime::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;
use tests::logged::Logged;
use tests::on;
use tests::on::{Broker, PATIENCE};
use tests::seen::{Gate, Seen, eventually};
use tokio::runtime::Handle;

const FOR_EVER: Duration = Duration::from_hours(24);

#[derive(Clone, Debug, Default)]
struct Scene {
    /// Lets those through whose key begins with `ends`.
    ends: Gate,
    /// Lets the others through.
    never: Gate,
    begun: Seen<Step>,
    done: Seen<Step>,
    /// Handlers whose future lives.
    running: Arc<AtomicUsize>,
}

/// Counts a handler for as long as its future lives.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn new(running: &Arc<AtomicUsize>) -> Self {
        running.fetch_add(1, Ordering::SeqCst);
        Running(Arc::clone(running))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[event_handler(topic = Step::TOPIC, timeout = FOR_EVER)]
async fn wait(Json(step): Json<Step>, State(scene): State<Scene>) {
    let _running = Running::new(&scene.running);
    scene.begun.add(step.clone());
    let gate = if step.key.starts_with("ends") {
        &scene.ends
    } else {
        &scene.never
    };
    gate.opened().await;
    scene.done.add(step);
}

#[event_bus(group = "shutdown", state = Scene, handlers = [wait])]
struct Waiting;

async fn regression_05_a_shutdown_waits_until_its_deadline_and_reports<B: Broker>(broker: B) {
    let deadline = Duration::from_secs(2);
    let config = broker
        .config()
        .drain(Drain::InFlight)
        .shutdown_deadline(deadline);
    let tasks_before = Handle::current().metrics().num_alive_tasks();
    let scene = Scene::default();
    let bus = Waiting::new(config.clone())
        .start(scene.clone())
        .await
        .expect("it starts");
    let keys = ["ends-1", "ends-2", "never-1", "never-2"];
    for number in 1..=2 {
        for key in keys {
            bus.publish(&step(key, number)).await.expect("published");
        }
    }
    scene.begun.at_least(keys.len()).await;
    if !B::DURABLE {
        // The second ones have come too; on a durable broker some may still be there.
        eventually("all eight are held", || {
            (bus.load().buffered == 4).then_some(())
        })
        .await;
    }

    let (report, ()) = tokio::join!(bus.shutdown(), async { scene.ends.open() });
    let report = report.expect("it ends");
    assert_eq!(
        scene.running.load(Ordering::SeqCst),
        0,
        "no handler runs after it returned"
    );
    eventually("nor is any task left", || {
        (Handle::current().metrics().num_alive_tasks() == tasks_before).then_some(())
    })
    .await;
    // Those that never end have kept the shutdown until the drain's deadline, four fifths of the whole.
    assert!(report.shutdown >= deadline * 4 / 5, "{report}");
    assert_eq!(report.cancelled, 2, "{report}");
    let done = scene.done.all();
    assert!(
        done.iter().all(|step| step.key.starts_with("ends")),
        "{done:?}"
    );
    assert!(
        done.contains(&step("ends-1", 1)) && done.contains(&step("ends-2", 1)),
        "{done:?}"
    );
    assert_eq!(report.handled(), done.len() as u64, "{report}");
    let held = report.released() + report.handled();
    assert!(
        if B::DURABLE {
            (4..=8).contains(&held)
        } else {
            held == 8
        },
        "{report}"
    );

    scene.never.open();
    if B::DURABLE {
        assert!(report.left.is_empty(), "{report}");
        let bus = Waiting::new(config)
            .start(scene.clone())
            .await
            .expect("it starts again");
        scene.done.at_least(8).await;
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(
            report.handled(),
            8 - done.len() as u64,
            "what was settled does not come again: {report}"
        );
        for key in keys {
            assert_eq!(numbers(key, &scene.done.all()), [1, 2], "{key}");
        }
    } else {
        assert_eq!(
            scene.done.all(),
            done,
            "no handler goes on after it returned"
        );
        let [lost] = &*report.left else {
            panic!("it says what is lost: {report}")
        };
        assert!(lost.contains("lost with the process"), "{lost}");
    }
}

/// A gate for threads.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().expect("nobody panics in it") = true;
        self.0.1.notify_all();
    }

    fn opened(&self) {
        let open = self.0.0.lock().expect("nobody panics in it");
        let waited = self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open);
        drop(waited.expect("nobody panics in it"));
    }
}

#[derive(Clone, Default)]
struct Thread {
    begun: Gate,
    door: Door,
}

#[event_handler(topic = Step::TOPIC)]
async fn block(_: Json<Step>, State(thread): State<Thread>) {
    thread.begun.open();
    thread.door.opened();
}

#[event_bus(group = "blocking", state = Thread, handlers = [block])]
struct Blocking;

async fn regression_05_a_handler_that_blocks_its_thread_is_named<B: Broker>(broker: B) {
    let config = broker
        .config()
        .shutdown_deadline(Duration::from_millis(500));
    let thread = Thread::default();
    let bus = Blocking::new(config)
        .start(thread.clone())
        .await
        .expect("it starts");
    bus.publish(&step("k", 1)).await.expect("published");
    thread.begun.opened().await;
    let report = bus.shutdown().await.expect("it ends");
    // Before anything is asserted: a runtime waits for its threads.
    thread.door.open();
    let named = |left: &String| left.contains("::block`") && left.contains("blocks its thread");
    assert!(report.left.iter().any(named), "{report}");
}

async fn regression_08_a_clean_shutdown_logs_no_error<B: Broker>(broker: B) {
    let scene = Scene::default();
    scene.ends.open();
    let bus = Waiting::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    for number in 1..=100 {
        for key in ["ends-1", "ends-2", "ends-3"] {
            bus.publish(&step(key, number)).await.expect("published");
        }
    }
    scene.done.at_least(300).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!((report.handled(), report.left.len()), (300, 0), "{report}");

    let lines = Logged::here().lines();
    let start = lines
        .iter()
        .find(|line| line.text.starts_with("handling, "));
    let end = lines
        .iter()
        .find(|line| line.text.starts_with("shutting down"));
    assert!(
        start.is_some() && end.is_some(),
        "what is logged is seen: {lines:?}"
    );
    let complaints = Logged::here().complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

on! {
    every [
        regression_05_a_shutdown_waits_until_its_deadline_and_reports,
        regression_05_a_handler_that_blocks_its_thread_is_named,
        regression_08_a_clean_shutdown_logs_no_error,
    ]
}
