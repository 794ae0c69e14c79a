//! Keys of every kind, and keys that disagree.

use bus_runtime::prelude::*;
use bus_runtime::{Problem, Publish};
use std::sync::Arc;
use tests::logged::Logged;
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};
use tokio::sync::Barrier;
use tracing::Level;

#[derive(Clone, Debug)]
struct Scene {
    /// The key and the payload of what was handled.
    done: Seen<(String, Key, String)>,
    /// Opened when the same key of another topic was handled.
    other: Gate,
    /// Where two events without a key meet.
    both: Arc<Barrier>,
}

impl Scene {
    fn new() -> Self {
        Scene {
            done: Seen::default(),
            other: Gate::default(),
            both: Arc::new(Barrier::new(2)),
        }
    }

    fn done(&self, topic: &str, key: Key, payload: &[u8]) {
        let payload = String::from_utf8(payload.to_vec()).expect("text");
        self.done.add((topic.to_owned(), key, payload));
    }
}

#[event_handler(topic = "keys.first", key = Record)]
async fn first(Raw(payload): Raw, key: Key, State(scene): State<Scene>) {
    if key.as_bytes().is_none() {
        scene.both.wait().await;
    } else if payload == "waits" {
        scene.other.opened().await;
    }
    scene.done("first", key, &payload);
}

#[event_handler(topic = "keys.second", key = Record)]
async fn second(Raw(payload): Raw, key: Key, State(scene): State<Scene>) {
    scene.done("second", key, &payload);
    scene.other.open();
}

#[event_bus(group = "keys", state = Scene, handlers = [first, second])]
struct Keys;

async fn regression_13_the_same_key_in_two_topics_is_two_keys<B: Broker>(broker: B) {
    let scene = Scene::new();
    let bus = Keys::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let publisher = bus.publisher();
    for (topic, payload) in [
        ("keys.first", "waits"),
        ("keys.first", "follows"),
        ("keys.second", "runs"),
    ] {
        let event = publisher.publish_raw(topic, Key::of("k"), payload, Publish::new());
        event.await.expect("published");
    }
    scene.done.at_least(3).await;
    bus.shutdown().await.expect("it ends");
    let done = scene.done.all();
    let payloads: Vec<_> = done.iter().map(|(_, _, payload)| &**payload).collect();
    assert_eq!(payloads, ["runs", "waits", "follows"]);
}

async fn regression_13_keys_that_are_absent_empty_long_or_not_utf8<B: Broker>(broker: B) {
    // A NATS server keeps 64 KiB of headers, the key among them.
    let long = if B::DURABLE { 59_000 } else { 64 << 10 };
    let keys = [
        Key::from_bytes(""),
        Key::from_bytes(vec![b'k'; long]),
        Key::from_bytes(&b"\xff\xfe\x00\r\n key"[..]),
        Key::from_bytes("schlüssel"),
        Key::from_bytes(" spaces "),
    ];
    let scene = Scene::new();
    let bus = Keys::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let publisher = bus.publisher();
    for number in 1..=3 {
        for key in &keys {
            let event = publisher.publish_raw(
                "keys.first",
                key.clone(),
                number.to_string(),
                Publish::new(),
            );
            event.await.expect("published");
        }
    }
    // Two without a key meet in their handlers: no order holds one back.
    for payload in ["one", "two"] {
        let event = publisher.publish_raw("keys.first", Key::NONE, payload, Publish::new());
        event.await.expect("published");
    }
    scene.done.at_least(keys.len() * 3 + 2).await;
    let report = bus.shutdown().await.expect("it ends");

    let done = scene.done.all();
    for key in &keys {
        let of = done.iter().filter(|(_, of, _)| of == key);
        let numbers: Vec<_> = of.map(|(_, _, number)| &**number).collect();
        assert_eq!(
            numbers,
            ["1", "2", "3"],
            "{} bytes",
            key.as_bytes().map_or(0, <[u8]>::len)
        );
    }
    let without = done.iter().filter(|(_, key, _)| *key == Key::NONE).count();
    assert_eq!(without, 2);
    assert_eq!(report.handled(), keys.len() as u64 * 3 + 2, "{report}");
}

#[event_handler(topic = "keys.refused", key = Record)]
async fn refuse(_: Raw, State(scene): State<Scene>) -> Result {
    scene.other.open();
    Err(HandlerError::permanent("on purpose"))
}

#[event_bus(group = "refused", state = Scene, handlers = [refuse])]
struct Refusing;

/// What can be published can become a dead letter, with what is added to it; what could not is refused.
async fn regression_13_the_longest_key_has_room_for_its_dead_letter<B: Broker>(broker: B) {
    let scene = Scene::new();
    let bus = Refusing::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let publisher = bus.publisher();
    let publish = async |length: usize| {
        let key = Key::from_bytes(vec![b'k'; length]);
        publisher
            .publish_raw("keys.refused", key, "", Publish::new())
            .await
    };
    let mut length = 64 << 10;
    while let Err(error) = publish(length).await {
        let error = error.to_string();
        assert!(B::DURABLE && error.contains("keys.refused"), "{error}");
        length -= 16;
        assert!(length > 59_000, "{error}");
    }
    scene.other.opened().await;
    eventually("the dead letter is stored", || {
        let load = bus.load();
        assert_eq!(bus.health().problems, []);
        (load.delayed == 0 && load.in_flight == 0).then_some(())
    })
    .await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(report.dead_lettered(), 1, "{report}");
}

async fn regression_13_events_without_a_byte_are_handled_side_by_side<B: Broker>(broker: B) {
    let scene = Scene::new();
    let bus = Keys::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let publisher = bus.publisher();
    for _ in 0..2 {
        let event = publisher.publish_raw("keys.first", Key::NONE, "", Publish::new());
        event.await.expect("published");
    }
    scene.done.at_least(2).await;
    bus.shutdown().await.expect("it ends");
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "keys.payment", key = customer)]
struct Payment {
    customer: String,
    account: String,
}

#[event_handler(topic = Payment::TOPIC, key = payment.account)]
async fn pay(Json(payment): Json<Payment>, key: Key, State(scene): State<Scene>) {
    scene.done("payment", key, payment.customer.as_bytes());
}

#[event_bus(group = "payments", state = Scene, handlers = [pay])]
struct Payments;

async fn regression_41_a_key_that_is_not_the_records_is_reported_once<B: Broker>(broker: B) {
    let scene = Scene::new();
    let bus = Payments::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let pay = async |customer: &str, account: &str| {
        let (customer, account) = (customer.to_owned(), account.to_owned());
        bus.publish(&Payment { customer, account })
            .await
            .expect("published");
    };
    pay("same", "same").await;
    scene.done.at_least(1).await;
    assert_eq!(bus.health().problems, []);

    for number in 0..5 {
        pay(&format!("customer-{number}"), &format!("account-{number}")).await;
        scene.done.at_least(2 + number).await;
    }
    let health = bus.health();
    let [
        Problem::KeyDiffers {
            handler,
            topic,
            keys,
        },
    ] = &*health.problems
    else {
        panic!("one problem: {health:?}")
    };
    assert!(handler.ends_with("::pay"), "{handler}");
    assert_eq!(topic, "keys.payment");
    assert_eq!(*keys, ("customer-0".to_owned(), "account-0".to_owned()));
    assert!(health.live && health.ready, "{health:?}");
    bus.shutdown().await.expect("it ends");

    let warned: Vec<_> = Logged::here().complaints();
    let [warning] = &*warned else {
        panic!("one warning: {warned:?}")
    };
    assert_eq!(warning.level, Level::WARN);
    assert!(
        ["customer-0", "account-0", "keys.payment", "pay"]
            .iter()
            .all(|part| warning.text.contains(part)),
        "{warning:?}"
    );
}

on! {
    every [
        regression_13_the_longest_key_has_room_for_its_dead_letter,
        regression_13_the_same_key_in_two_topics_is_two_keys,
        regression_13_events_without_a_byte_are_handled_side_by_side,
        regression_13_keys_that_are_absent_empty_long_or_not_utf8,
        regression_41_a_key_that_is_not_the_records_is_reported_once,
    ]
}
