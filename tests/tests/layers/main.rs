//! Layers: what they see, in which order, what they may answer, and what they cost.

mod cost;

use bus_runtime::prelude::*;
use bus_runtime::{Brake, DeadReason, Report, Running};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tests::alloc::Counting;
use tests::logged::Logged;
use tests::on;
use tests::on::{Broker, Memory};
use tests::seen::{Seen, eventually};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Scene = Seen<String>;

/// Layers are constants: an event's header `scene` says which of these is its test's.
static SCENES: Mutex<Vec<Scene>> = Mutex::new(Vec::new());

fn scene_of(attempt: &Attempt<'_>) -> Scene {
    let number = attempt.headers().get("scene").expect("every event has one");
    let number: usize = number.parse().expect("a number");
    let scenes = SCENES.lock().unwrap_or_else(PoisonError::into_inner);
    scenes[number].clone()
}

/// What the handlers and the layers of one test write down.
struct Stage {
    bus: Running,
    scene: Scene,
    number: usize,
}

impl Stage {
    fn of(bus: Running, scene: Scene) -> Self {
        let mut scenes = SCENES.lock().unwrap_or_else(PoisonError::into_inner);
        scenes.push(scene.clone());
        let number = scenes.len() - 1;
        Stage { bus, scene, number }
    }

    /// Publishes what a layer and a handler are to do with the event.
    async fn tell(&self, topic: &str, layer: &'static str, handler: &'static str) {
        let with = Publish::new()
            .header("scene", self.number.to_string())
            .header("layer", layer)
            .header("handler", handler);
        let json = format!("{{\"key\":\"{layer}\"}}");
        let payload = if handler == "undecodable" {
            "[]".to_owned()
        } else {
            json
        };
        let publisher = self.bus.publisher();
        let told = publisher.publish_raw(topic, Key::of(layer), payload, with);
        told.await.expect("published");
    }

    /// Waits for so many entries, ends the bus, and gives all of them.
    async fn end(self, entries: usize) -> (Vec<String>, Report) {
        self.scene.at_least(entries).await;
        eventually("nothing is under way", || {
            let load = self.bus.load();
            (load.delayed == 0 && load.in_flight == 0).then_some(())
        })
        .await;
        let report = self.bus.shutdown().await.expect("it ends");
        (self.scene.all(), report)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
#[event(topic = "layers.told", key = key)]
struct Told {
    key: String,
}

/// Why the last dead letters are there, as the log says.
fn dead_letters() -> Vec<String> {
    let lines = Logged::here().complaints().into_iter();
    let reasons = lines.filter_map(|line| {
        let (_, reason) = line.text.split_once("dead letter: ")?;
        Some(reason.split(" handler=").next()?.to_owned())
    });
    reasons.collect()
}

/// The one event is a dead letter for this reason.
fn died_of(reason: DeadReason, report: &Report) {
    assert_eq!(report.handlers[0].dead, [(reason, 1)], "{report}");
}

/// A handler that does nothing but fail is not braked: its event becomes a dead letter.
fn unbraked() -> Config {
    Config::memory().brake(Brake::Off)
}

const QUICKLY: Retry =
    Retry::attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(1));

/// What the header `handler` asks for.
fn obey(headers: &Headers, about: &Metadata) -> Result {
    match headers.get("handler") {
        Some("fail") => Err("on purpose")?,
        Some("fail once") if about.attempt == 1 => Err("only once")?,
        Some("fail for good") => Err(HandlerError::permanent("for good"))?,
        _ => Ok(()),
    }
}

/// Writes down that it is entered and left, and with what.
struct Note(&'static str);

impl Layer for Note {
    async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        let scene = scene_of(attempt);
        scene.add(format!("{} in", self.0));
        let outcome = next.await;
        scene.add(format!("{} out: {outcome:?}", self.0));
        outcome
    }
}

const INNER: Note = Note("inner");
static INNERMOST: Note = Note("innermost");

#[event_handler(topic = Told::TOPIC, retry = QUICKLY, layers = [INNER, INNERMOST])]
async fn within_four(
    _: Json<Told>,
    headers: Headers,
    about: Metadata,
    State(scene): State<Scene>,
) -> Result {
    scene.add("handler".to_owned());
    obey(&headers, &about)
}

#[event_bus(
    group = "order",
    state = Scene,
    layers = [Note("outermost"), Note("outer")],
    handlers = [within_four]
)]
struct Ordered;

async fn the_first_of_a_list_is_the_outermost<B: Broker>(broker: B) {
    let bus = Ordered::new(broker.config());
    let scene = Scene::default();
    let started = bus.start(scene.clone()).await.expect("it starts");
    let stage = Stage::of(started, scene);
    stage.tell("layers.told", "", "fail once").await;
    let (all, report) = stage.end(18).await;
    let attempt = |outcome: &str| {
        let names = ["outermost", "outer", "inner", "innermost"];
        let mut lines: Vec<_> = names.iter().map(|name| format!("{name} in")).collect();
        lines.push("handler".to_owned());
        let out = |name: &&str| format!("{name} out: {outcome}");
        lines.extend(names.iter().rev().map(out));
        lines
    };
    let expected = [attempt("Retry { after: None }"), attempt("Done")].concat();
    assert_eq!(all, expected);
    assert_eq!((report.handled(), report.retried()), (1, 1), "{report}");
}

/// Writes down what it sees.
struct See;

impl Layer for See {
    async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        let scene = scene_of(attempt);
        let about = attempt.metadata();
        let (handler, topic, group) = (attempt.handler(), attempt.topic(), attempt.group());
        assert_eq!((topic, group), (&*about.topic, &*about.group));
        assert_eq!(attempt.number(), about.attempt);
        let payload = String::from_utf8_lossy(attempt.payload());
        let (number, key) = (attempt.number(), attempt.key());
        scene.add(format!(
            "{handler} {topic} {group} {number} {key} {payload}"
        ));
        let rejection = attempt.rejection().map(ToString::to_string);
        assert_eq!(attempt.error().map(ToString::to_string), rejection);
        if let Some(rejection) = rejection {
            scene.add(format!("rejected: {rejection}"));
        }
        let outcome = next.await;
        let error = attempt.error().map(ToString::to_string);
        scene.add(format!("{outcome:?}, {error:?}"));
        outcome
    }
}

/// What the key's expression makes of an event whose key is `panic`.
fn key_of(told: &Told) -> &str {
    assert_ne!(told.key, "panic", "no such key");
    &told.key
}

#[event_handler(topic = "layers.seen", key = |told| key_of(told), retry = QUICKLY)]
async fn seen(
    _: Json<Told>,
    headers: Headers,
    about: Metadata,
    State(scene): State<Scene>,
) -> Result {
    scene.add("handler".to_owned());
    obey(&headers, &about)
}

#[event_bus(group = "see", state = Scene, layers = [See], handlers = [seen])]
struct Seeing;

async fn seeing(
    layer: &'static str,
    handler: &'static str,
    entries: usize,
) -> (Vec<String>, Report) {
    let scene = Scene::default();
    let bus = Seeing::new(unbraked()).start(scene.clone()).await;
    let stage = Stage::of(bus.expect("it starts"), scene);
    stage.tell("layers.seen", layer, handler).await;
    stage.end(entries).await
}

async fn a_layer_sees_each_attempt_and_its_error(_: Memory) {
    let (all, report) = seeing("k", "fail", 6).await;
    let sees = |number| format!("layers::seen layers.seen see {number} k {{\"key\":\"k\"}}");
    let fails = "Retry { after: None }, Some(\"on purpose\")".to_owned();
    let one = |number| [sees(number), "handler".to_owned(), fails.clone()];
    assert_eq!(all, [one(1), one(2)].concat());
    died_of(DeadReason::Exhausted, &report);
    assert_eq!(dead_letters(), ["on purpose"]);
}

async fn a_permanent_error_stays_one(_: Memory) {
    let (all, report) = seeing("k", "fail for good", 3).await;
    assert_eq!(all[2], "Dead { reason: \"for good\" }, Some(\"for good\")");
    died_of(DeadReason::Permanent, &report);
    assert_eq!(dead_letters(), ["for good"]);
}

async fn an_event_that_cannot_be_decoded_is_seen_with_the_reason(_: Memory) {
    let (all, report) = seeing("k", "undecodable", 3).await;
    assert_eq!(all[0], "layers::seen layers.seen see 1 (none) []");
    let reason = "the payload is not the JSON of a `layers::Told`: invalid length 0, expected struct Told with 1 \
                  element at line 1 column 2";
    assert_eq!(all[1], format!("rejected: {reason}"));
    assert_eq!(
        all[2],
        format!("Dead {{ reason: {reason:?} }}, Some({reason:?})")
    );
    assert_eq!(all.len(), 3, "the handler is not called");
    died_of(DeadReason::Undecodable, &report);
    assert_eq!(dead_letters(), [reason]);
}

/// Does what the header `layer` says.
struct Obey;

impl Layer for Obey {
    async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        let scene = scene_of(attempt);
        scene.add("layer".to_owned());
        let soon = Duration::from_millis(1);
        match attempt.headers().get("layer").expect("every event has one") {
            "done" => Outcome::Done,
            "skip" => Outcome::Skip,
            "dead" => Outcome::Dead {
                reason: "the layer says so".to_owned(),
            },
            "retry" => Outcome::Retry { after: Some(soon) },
            "forgive" => match next.await {
                Outcome::Retry { .. } => Outcome::Skip,
                other => other,
            },
            "give up" => match next.await {
                Outcome::Retry { .. } => Outcome::Dead {
                    reason: "given up".to_owned(),
                },
                other => other,
            },
            // Also what would be a dead letter at once, the panic of a key's expression too.
            "insist" | "panic" => match next.await {
                Outcome::Retry { .. } | Outcome::Dead { .. } => {
                    Outcome::Retry { after: Some(soon) }
                }
                other => other,
            },
            "panic in the layer" => panic!("on purpose"),
            "twice" => {
                let dropped = Dropped(scene);
                let outcome = next.await;
                drop(dropped);
                outcome
            }
            "wait" => {
                let _dropped = Dropped(scene);
                std::future::pending().await
            }
            other => panic!("{other}"),
        }
    }
}

struct Dropped(Scene);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.add("dropped".to_owned());
    }
}

#[event_handler(
    topic = "layers.obeyed",
    key = |told| key_of(told),
    retry = QUICKLY,
    timeout = Duration::from_millis(50),
    layers = [Obey]
)]
async fn obeyed(
    _: Json<Told>,
    headers: Headers,
    about: Metadata,
    State(scene): State<Scene>,
) -> Result {
    scene.add("handler".to_owned());
    if headers.get("handler") == Some("wait") {
        std::future::pending::<()>().await;
    }
    obey(&headers, &about)
}

#[event_bus(group = "obey", state = Scene, handlers = [obeyed])]
struct Obeying;

/// What becomes of one event after so many attempts: the calls of the handler, the report, and the text of its dead letter.
async fn obeying(
    layer: &'static str,
    handler: &'static str,
    attempts: usize,
) -> (usize, Report, Vec<String>) {
    let scene = Scene::default();
    let bus = Obeying::new(unbraked()).start(scene.clone()).await;
    let stage = Stage::of(bus.expect("it starts"), scene);
    stage.tell("layers.obeyed", layer, handler).await;
    let (all, report) = stage.end(attempts).await;
    assert_eq!(
        all.iter().filter(|entry| *entry == "layer").count(),
        attempts
    );
    let calls = all.iter().filter(|entry| *entry == "handler").count();
    (calls, report, dead_letters())
}

async fn a_layer_may_answer_in_the_handlers_place(_: Memory) {
    let (calls, report, _) = obeying("done", "", 1).await;
    assert_eq!((calls, report.handled()), (0, 1), "{report}");
    let (calls, report, _) = obeying("skip", "", 1).await;
    assert_eq!((calls, report.skipped()), (0, 1), "{report}");
    let (calls, report, dead) = obeying("dead", "", 1).await;
    assert_eq!(calls, 0);
    died_of(DeadReason::Permanent, &report);
    assert_eq!(dead, ["the layer says so"]);
    let (calls, report, dead) = obeying("retry", "", 2).await;
    assert_eq!((calls, report.retried()), (0, 1), "{report}");
    died_of(DeadReason::Exhausted, &report);
    assert_eq!(dead[1..], ["the handler asked for another attempt"]);
}

async fn a_layer_may_change_what_the_handler_says(_: Memory) {
    let (calls, report, _) = obeying("forgive", "fail", 1).await;
    assert_eq!((calls, report.skipped()), (1, 1), "{report}");
    let (calls, report, dead) = obeying("give up", "fail", 1).await;
    assert_eq!(calls, 1);
    died_of(DeadReason::Permanent, &report);
    assert_eq!(dead, ["given up"]);
    let (calls, report, dead) = obeying("insist", "fail for good", 2).await;
    assert_eq!(calls, 2);
    died_of(DeadReason::Exhausted, &report);
    assert_eq!(dead[1..], ["for good"], "the reason is the handler's");
}

/// Its key is not known, so it has no place in an order: however often a layer asks, the handler never sees it.
async fn an_event_without_its_key_is_never_handled(_: Memory) {
    let (calls, report, dead) = obeying("panic", "", 2).await;
    assert_eq!((calls, report.retried()), (0, 1), "{report}");
    assert!(dead[0].contains("computing the key panicked"), "{dead:?}");
}

async fn a_panic_in_a_layer_is_the_handlers(_: Memory) {
    let (calls, report, dead) = obeying("panic in the layer", "", 2).await;
    assert_eq!((calls, report.retried()), (0, 1), "{report}");
    died_of(DeadReason::Panic, &report);
    assert_eq!(dead, ["the handler panicked: on purpose"]);
}

async fn the_timeout_is_for_the_layers_too(_: Memory) {
    for (layer, handler, calls) in [("wait", "", 0), ("twice", "wait", 2)] {
        let scene = Scene::default();
        let bus = Obeying::new(unbraked()).start(scene.clone()).await;
        let stage = Stage::of(bus.expect("it starts"), scene);
        stage.tell("layers.obeyed", layer, handler).await;
        let (all, report) = stage.end(4 + calls).await;
        let count = |what: &str| all.iter().filter(|entry| *entry == what).count();
        assert_eq!((count("handler"), count("dropped")), (calls, 2), "{all:?}");
        died_of(DeadReason::Timeout, &report);
    }
}

on! {
    every [the_first_of_a_list_is_the_outermost]
    memory [
        a_layer_sees_each_attempt_and_its_error,
        a_permanent_error_stays_one,
        an_event_that_cannot_be_decoded_is_seen_with_the_reason,
        a_layer_may_answer_in_the_handlers_place,
        a_layer_may_change_what_the_handler_says,
        an_event_without_its_key_is_never_handled,
        a_panic_in_a_layer_is_the_handlers,
        the_timeout_is_for_the_layers_too,
    ]
}
