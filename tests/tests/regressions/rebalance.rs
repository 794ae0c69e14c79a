//! Members of a group come and go while events flow.

#![cfg(feature = "kafka")]

use crate::step::{Step, step};
use bus_runtime::prelude::*;
use bus_runtime::testing::Ledger;
use bus_runtime::{Publisher, Running};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tests::logged::Logged;
use tests::on;
use tests::on::{Broker, PATIENCE, SharedKafka};
use tests::seen::{Gate, Seen, eventually};
use tokio::task::JoinHandle;
use tokio::time::sleep;

const KEYS: u64 = 30;
const PARTITIONS: u32 = 6;
const FOR_EVER: Duration = Duration::from_hours(24);

/// What a member's handlers see and wait for; the ledger is the whole group's.
#[derive(Clone, Debug, Default)]
struct Scene {
    ledger: Arc<Ledger>,
    gate: Gate,
    begun: Seen<Step>,
    done: Seen<Step>,
    /// Handlers whose future lives.
    running: Arc<AtomicUsize>,
}

impl Scene {
    /// Of another member of the same group.
    fn other(&self) -> Self {
        Scene {
            ledger: Arc::clone(&self.ledger),
            ..Scene::default()
        }
    }
}

/// Counts a handler for as long as its future lives.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[event_handler(topic = Step::TOPIC, timeout = FOR_EVER)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.running.fetch_add(1, Ordering::SeqCst);
    let _alive = Alive(Arc::clone(&scene.running));
    let attempt = scene.ledger.started(&step.key, step.number);
    scene.begun.add(step.clone());
    scene.gate.opened().await;
    // Some are at work whenever a partition changes hands.
    sleep(Duration::from_millis(step.number % 5)).await;
    attempt.settled();
    scene.done.add(step);
}

#[event_bus(group = "members", state = Scene, handlers = [take])]
struct Member;

fn config(kafka: &SharedKafka) -> Config {
    let config = kafka.config().kafka_partitions(PARTITIONS);
    // Longer than anybody waits here: who goes has to say so.
    config.session_timeout(2 * PATIENCE)
}

async fn member(config: Config, scene: &Scene) -> Running {
    let started = Member::new(config).start(scene.clone()).await;
    started.expect("it starts")
}

/// Publishes round after round, until it is told to end: says how many rounds.
fn load(publisher: Publisher, ledger: Arc<Ledger>, end: Arc<AtomicBool>) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let mut round = 0;
        while !end.load(Ordering::Relaxed) {
            round += 1;
            publish(&publisher, &ledger, round).await;
        }
        round
    })
}

/// Publishes the event of this number of each key.
async fn publish(publisher: &Publisher, ledger: &Ledger, number: u64) {
    for key in 0..KEYS {
        let step = step(&format!("k{key}"), number);
        ledger.published(&step.key, number);
        publisher.publish(&step).await.expect("published");
    }
}

/// Nothing lost, out of order or in two places at once. What comes again is allowed.
async fn is_kept(ledger: &Ledger) {
    eventually("everything is settled", || {
        ledger.is_settled().then_some(())
    })
    .await;
    let mut findings = ledger.findings();
    println!("{findings}");
    findings.repeated.clear();
    assert!(findings.is_clean(), "{findings}");
}

async fn regression_12_two_members_and_a_forced_rebalance_under_load_lose_and_overlap_nothing(
    kafka: SharedKafka,
) {
    let scene = Scene::default();
    scene.gate.open();
    let first = member(config(&kafka), &scene).await;
    let end = Arc::<AtomicBool>::default();
    let publishing = load(
        first.publisher(),
        Arc::clone(&scene.ledger),
        Arc::clone(&end),
    );
    for _ in 0..4 {
        let joins = scene.other();
        joins.gate.open();
        let second = member(config(&kafka), &joins).await;
        joins.done.at_least(100).await;
        let others = scene.done.count();
        scene.done.at_least(others + 100).await;
        let report = second.shutdown().await.expect("it ends");
        assert!(report.left.is_empty(), "{report}");
        let alone = scene.done.count();
        scene.done.at_least(alone + 100).await;
    }
    end.store(true, Ordering::Relaxed);
    let rounds = publishing.await.expect("published");
    is_kept(&scene.ledger).await;
    assert_eq!(scene.ledger.findings().settled, rounds * KEYS);
    first.shutdown().await.expect("it ends");
}

async fn regression_12_handlers_that_outlast_the_drain_are_cancelled(kafka: SharedKafka) {
    let scene = Scene::default();
    let drain = Duration::from_millis(500);
    let first = member(config(&kafka).revoke_drain(drain), &scene).await;
    publish(&first.publisher(), &scene.ledger, 1).await;
    let all = usize::try_from(KEYS).expect("small");
    scene.begun.at_least(all).await;

    let joins = scene.other();
    joins.gate.open();
    let second = member(config(&kafka), &joins).await;
    joins.done.at_least(1).await;
    let running = scene.running.load(Ordering::SeqCst);
    assert!(running < all, "{running} of {all} still run");
    let complaints = Logged::here().complaints();
    let told = |text: &str| text.starts_with("handlers were cancelled after `revoke_drain`, 500ms");
    assert!(
        complaints.iter().any(|line| told(&line.text)),
        "{complaints:?}"
    );
    scene.gate.open();
    is_kept(&scene.ledger).await;
    for bus in [second, first] {
        let report = bus.shutdown().await.expect("it ends");
        assert!(report.left.is_empty(), "{report}");
    }
    // What was cancelled has been handled by the other, and what was not, by the first.
    assert_eq!(scene.done.count(), running);
    assert_eq!(joins.done.count(), all - running);
}

async fn regression_12_handlers_that_end_within_the_drain_are_waited_for(kafka: SharedKafka) {
    let scene = Scene::default();
    let drain = Duration::from_mins(1);
    let first = member(config(&kafka).revoke_drain(drain), &scene).await;
    let publisher = first.publisher();
    for number in 1..=2 {
        publish(&publisher, &scene.ledger, number).await;
    }
    let all = usize::try_from(KEYS).expect("small");
    let buffered = async |what, is: fn(usize, usize) -> bool| {
        eventually(what, || is(first.load().buffered, all).then_some(())).await;
    };
    scene.begun.at_least(all).await;
    buffered("the second of each key waits", |buffered, all| {
        buffered == all
    })
    .await;

    let joins = scene.other();
    joins.gate.open();
    let (second, ()) = tokio::join!(member(config(&kafka), &joins), async {
        buffered("what leaves does not begin", |buffered, all| buffered < all).await;
        assert_eq!(scene.running.load(Ordering::SeqCst), all);
        scene.gate.open();
    });
    is_kept(&scene.ledger).await;
    let others = joins.done.all();
    assert!(others.iter().all(|step| step.number == 2), "{others:?}");
    assert!(!others.is_empty());
    assert_eq!(scene.done.count() + others.len(), 2 * all, "nothing twice");
    for bus in [second, first] {
        bus.shutdown().await.expect("it ends");
    }
    let complaints = Logged::here().complaints();
    assert!(complaints.is_empty(), "{complaints:?}");
}

async fn regression_30_a_partition_revoked_over_its_share_goes_on_when_it_comes_back(
    kafka: SharedKafka,
) {
    let scene = Scene::default();
    let tight = config(&kafka)
        .in_flight(2)
        .buffer(4)
        .revoke_drain(Duration::from_millis(200));
    let first = member(tight, &scene).await;
    for number in 1..=10 {
        publish(&first.publisher(), &scene.ledger, number).await;
    }
    // Every partition has more than there is room for.
    eventually("there is no room", || {
        let load = first.load();
        (load.in_flight == 2 && load.buffered == 4).then_some(())
    })
    .await;
    let joins = scene.other();
    joins.gate.open();
    let second = member(config(&kafka), &joins).await;
    joins.done.at_least(1).await;
    second.shutdown().await.expect("it ends");
    for number in 11..=12 {
        publish(&first.publisher(), &scene.ledger, number).await;
    }
    scene.gate.open();
    is_kept(&scene.ledger).await;
    assert_eq!(first.health().problems, []);
    first.shutdown().await.expect("it ends");
}

on! {
    cluster [
        regression_12_two_members_and_a_forced_rebalance_under_load_lose_and_overlap_nothing,
        regression_12_handlers_that_outlast_the_drain_are_cancelled,
        regression_12_handlers_that_end_within_the_drain_are_waited_for,
        regression_30_a_partition_revoked_over_its_share_goes_on_when_it_comes_back,
    ]
}
