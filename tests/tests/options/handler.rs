//! The effect of each option of a handler.

use crate::listed::effects;
use bus_runtime::prelude::*;
use bus_runtime::{Brake, DeadReason, Publish, Report, Running};
use std::future::pending;
use std::time::Duration;
use tests::on::Memory;
use tests::seen::{Gate, Seen, eventually};

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<u64>,
    done: Seen<u64>,
    text: Seen<String>,
}

/// Who pays is the record's key; what orders may be the account.
#[derive(Clone, Serialize, Deserialize, Event)]
#[event(topic = "options.paid", key = customer)]
struct Paid {
    customer: u64,
    account: u64,
}

/// Publishes one event for each number: the customer, whose account is another's.
async fn publish(bus: &Running, customers: impl IntoIterator<Item = u64>) {
    for customer in customers {
        let account = customer / 10;
        bus.publish(&Paid { customer, account })
            .await
            .expect("published");
    }
}

/// The report of a bus that has handled one event, in whatever way.
async fn after_one(bus: Result<Running, bus_runtime::StartError>) -> Report {
    let bus = bus.expect("it starts");
    publish(&bus, [1]).await;
    bus.shutdown().await.expect("it ends")
}

const SOON: Duration = Duration::from_millis(1);

#[event_handler(topic = "options.named", key = Record)]
async fn named(_: Raw, about: Metadata, State(scene): State<Scene>) {
    scene.text.add(about.topic.to_string());
}

#[event_bus(group = "topic", state = Scene, handlers = [named])]
struct Topic;

async fn topic(_: Memory) {
    let scene = Scene::default();
    let bus = Topic::new(Config::memory())
        .start(scene.clone())
        .await
        .expect("it starts");
    for topic in ["options.other", "options.named"] {
        let event = bus.publisher();
        event
            .publish_raw(topic, Key::NONE, "", Publish::new())
            .await
            .expect("published");
    }
    bus.shutdown().await.expect("it ends");
    assert_eq!(scene.text.all(), ["options.named"]);
}

#[event_handler(topic = Paid::TOPIC, key = paid.account)]
async fn by_account(Json(paid): Json<Paid>, State(scene): State<Scene>) {
    scene.begun.add(paid.customer);
    if paid.customer == 10 {
        scene.gate.opened().await;
    }
    scene.done.add(paid.customer);
}

#[event_bus(group = "key", state = Scene, handlers = [by_account])]
struct ByAccount;

/// 11 has another customer than 10 and the same account: it waits, and 20 does not.
async fn key(_: Memory) {
    let scene = Scene::default();
    let bus = ByAccount::new(Config::memory())
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, [10, 11, 20]).await;
    scene.done.at_least(1).await;
    assert_eq!(scene.done.all(), [20]);
    assert!(!scene.begun.all().contains(&11));
    scene.gate.open();
    bus.shutdown().await.expect("it ends");
    assert_eq!(scene.done.all(), [20, 10, 11]);
}

#[event_handler(topic = Paid::TOPIC)]
async fn own(_: Json<Paid>, about: Metadata, State(scene): State<Scene>) {
    scene.text.add(format!("own of {}", about.group));
}

#[event_handler(topic = Paid::TOPIC, group = "audit")]
async fn audit(_: Json<Paid>, about: Metadata, State(scene): State<Scene>) {
    scene.text.add(format!("audit of {}", about.group));
}

#[event_bus(group = "shop", state = Scene, handlers = [own, audit])]
struct Groups;

async fn group(_: Memory) {
    let scene = Scene::default();
    let report = after_one(Groups::new(Config::memory()).start(scene.clone()).await).await;
    let mut both = scene.text.all();
    both.sort();
    assert_eq!(
        both,
        ["audit of shop~audit", "own of shop"],
        "each has the event: {report}"
    );
}

#[event_handler(topic = Paid::TOPIC, retry = Retry::attempts(4).backoff(SOON, SOON))]
async fn fails(_: Json<Paid>, about: Metadata, State(scene): State<Scene>) -> Result {
    scene.begun.add(about.attempt.into());
    scene.gate.open();
    Err("on purpose")?
}

#[event_bus(group = "retry", state = Scene, handlers = [fails])]
struct Failing;

async fn retry(_: Memory) {
    let scene = Scene::default();
    // With a brake, the last attempt would be repeated until another event is handled.
    let bus = Failing::new(Config::memory().brake(Brake::Off))
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, [1]).await;
    // A failing event is given back at the shutdown: first it has to fail for the last time.
    scene.begun.at_least(4).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(scene.begun.all(), [1, 2, 3, 4]);
    assert_eq!(
        report.handlers[0].dead,
        [(DeadReason::Exhausted, 1)],
        "{report}"
    );
}

#[event_handler(topic = Paid::TOPIC, timeout = SOON, retry = Retry::attempts(1))]
async fn never_ends(_: Json<Paid>) {
    pending::<()>().await;
}

#[event_bus(group = "timeout", handlers = [never_ends])]
struct NeverEnding;

/// In memory a shutdown waits for every event: for this one, whose handler never ends by itself.
async fn timeout(_: Memory) {
    let report = after_one(NeverEnding::new(Config::memory()).start().await).await;
    assert_eq!(
        report.handlers[0].dead,
        [(DeadReason::Timeout, 1)],
        "{report}"
    );
    assert_eq!(report.cancelled, 0, "{report}");
}

#[event_handler(topic = Paid::TOPIC, key = Unordered, at_most = 3)]
async fn few(Json(paid): Json<Paid>, State(scene): State<Scene>) {
    scene.begun.add(paid.customer);
    scene.gate.opened().await;
    scene.done.add(paid.customer);
}

#[event_handler(topic = "options.other", key = Unordered)]
async fn many(_: Raw, State(scene): State<Scene>) {
    scene.text.add("begun".to_owned());
    scene.gate.opened().await;
}

#[event_bus(group = "at-most", state = Scene, handlers = [few, many])]
struct AtMost;

async fn at_most(_: Memory) {
    let scene = Scene::default();
    let bus = AtMost::new(Config::memory())
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, 0..10).await;
    // Published later, and begun: the pool has room, which the handler with a limit may not use.
    let publisher = bus.publisher();
    for _ in 0..10 {
        let event = publisher.publish_raw("options.other", Key::NONE, "", Publish::new());
        event.await.expect("published");
    }
    scene.text.at_least(10).await;
    eventually("all that may run run", || {
        (bus.load().in_flight == 13).then_some(())
    })
    .await;
    assert_eq!(scene.begun.count(), 3);
    scene.gate.open();
    bus.shutdown().await.expect("it ends");
    assert_eq!(scene.done.count(), 10);
}

/// An error, of which some are hopeless.
#[derive(Debug)]
struct Refused(u64);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused {}", self.0)
    }
}

impl std::error::Error for Refused {}

fn is_hopeless(error: &Refused) -> bool {
    error.0 == 1
}

#[event_handler(
    topic = Paid::TOPIC,
    retry = Retry::attempts(2).backoff(SOON, SOON),
    permanent = is_hopeless
)]
async fn refuses(Json(paid): Json<Paid>, State(scene): State<Scene>) -> Result<(), Refused> {
    scene.begun.add(paid.customer);
    Err(Refused(paid.customer))
}

#[event_bus(group = "permanent", state = Scene, handlers = [refuses])]
struct Refusing;

async fn permanent(_: Memory) {
    let scene = Scene::default();
    let bus = Refusing::new(Config::memory().brake(Brake::Off))
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, [1, 2]).await;
    scene.begun.at_least(3).await;
    let report = bus.shutdown().await.expect("it ends");
    let mut begun = scene.begun.all();
    begun.sort_unstable();
    assert_eq!(begun, [1, 2, 2], "the hopeless one is tried once");
    let dead = [(DeadReason::Permanent, 1), (DeadReason::Exhausted, 1)];
    assert_eq!(report.handlers[0].dead, dead, "{report}");
}

/// An extractor that is made for one type of state alone.
struct Note(String);

impl FromEvent<Scene> for Note {
    fn from_event(cx: &Cx<Scene>) -> std::result::Result<Self, Rejection> {
        cx.state().text.add("extracted".to_owned());
        Ok(Note("taken".to_owned()))
    }
}

/// Without `state` it does not compile: the extractor is not one for every state.
#[event_handler(topic = Paid::TOPIC, state = Scene)]
async fn notes(_: Json<Paid>, Note(note): Note, State(scene): State<Scene>) {
    scene.text.add(note);
}

#[event_bus(group = "state", state = Scene, handlers = [notes])]
struct Noting;

async fn state_option(_: Memory) {
    let scene = Scene::default();
    after_one(Noting::new(Config::memory()).start(scene.clone()).await).await;
    assert_eq!(scene.text.all(), ["extracted", "taken"]);
}

/// Skips what is odd.
struct Even;

impl Layer for Even {
    async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        match attempt.key().as_bytes() {
            Some([.., last]) if last % 2 == 1 => Outcome::Skip,
            _ => next.await,
        }
    }
}

#[event_handler(topic = Paid::TOPIC, layers = [Even])]
async fn layered(Json(paid): Json<Paid>, State(scene): State<Scene>) {
    scene.done.add(paid.customer);
}

#[event_bus(group = "layers", state = Scene, handlers = [layered])]
struct Layered;

async fn layers(_: Memory) {
    let scene = Scene::default();
    let bus = Layered::new(Config::memory())
        .start(scene.clone())
        .await
        .expect("it starts");
    publish(&bus, [1, 2]).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(scene.done.all(), [2]);
    assert_eq!((report.handled(), report.skipped()), (1, 1), "{report}");
}

effects! {
    memory [topic, key, group, retry, timeout, at_most, layers, permanent, state_option]
    nats []
    kafka [] also []
}
