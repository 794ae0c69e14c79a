//! Order of a key, over many keys and topics; and whether the checker would see it broken.

use bus_runtime::prelude::*;
use bus_runtime::testing::Ledger;
use bus_runtime::{Publish, Publisher};
use std::sync::Arc;
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen, eventually};

#[derive(Clone, Debug, Default)]
struct Scene {
    ledger: Arc<Ledger>,
    /// Opened by the second event, for the first.
    second: Gate,
    done: Seen<u64>,
}

fn number(payload: &[u8]) -> u64 {
    std::str::from_utf8(payload)
        .expect("digits")
        .parse()
        .expect("digits")
}

/// One handler of each topic.
macro_rules! topics {
    ($($topic:ident),*) => {
        $(
            #[event_handler(topic = concat!("order.", stringify!($topic)), key = Record)]
            async fn $topic(Raw(payload): Raw, key: Key, about: Metadata, State(scene): State<Scene>) {
                let strand = format!("{}/{key}", about.topic);
                let attempt = scene.ledger.started(&strand, number(&payload));
                tokio::task::yield_now().await;
                attempt.settled();
            }
        )*

        const TOPICS: &[&str] = &[$(concat!("order.", stringify!($topic))),*];

        #[event_bus(group = "order", state = Scene, handlers = [$($topic),*])]
        struct Five;
    };
}
topics!(a, b, c, d, e);

async fn publish_to(publisher: Publisher, ledger: Arc<Ledger>, topic: &'static str, key: u32) {
    for number in 1..=EVENTS {
        ledger.published(&format!("{topic}/{key}"), number);
        let payload = number.to_string();
        let event = publisher.publish_raw(topic, Key::of(&key), payload, Publish::new());
        event.await.expect("published");
    }
}

const KEYS: u32 = 50;
const EVENTS: u64 = 1000;

async fn regression_09_five_topics_fifty_keys_a_thousand_events_in_order<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Five::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let mut publishing = Vec::new();
    for topic in TOPICS {
        for key in 0..KEYS {
            let ledger = Arc::clone(&scene.ledger);
            publishing.push(tokio::spawn(publish_to(
                bus.publisher(),
                ledger,
                topic,
                key,
            )));
        }
    }
    for publishing in publishing {
        publishing.await.expect("published");
    }
    eventually("everything is settled", || {
        scene.ledger.is_settled().then_some(())
    })
    .await;
    let report = bus.shutdown().await.expect("it ends");

    let all = TOPICS.len() as u64 * u64::from(KEYS) * EVENTS;
    let findings = scene.ledger.findings();
    assert!(findings.is_clean(), "{findings}");
    assert_eq!(
        (findings.settled, report.handled()),
        (all, all),
        "{findings}\n{report}"
    );
}

/// Breaks the order on purpose: no key, and the first event ends behind the second.
#[event_handler(topic = "order.broken", key = Unordered)]
async fn broken(Raw(payload): Raw, State(scene): State<Scene>) {
    let number = number(&payload);
    if number == 1 {
        scene.second.opened().await;
    }
    scene.ledger.started("broken", number).settled();
    scene.second.open();
    scene.done.add(number);
}

#[event_bus(group = "broken", state = Scene, handlers = [broken])]
struct Broken;

async fn regression_09_the_checker_sees_an_injected_inversion<B: Broker>(broker: B) {
    let scene = Scene::default();
    let bus = Broken::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    for number in 1..=2 {
        scene.ledger.published("broken", number);
        let event = bus.publisher();
        let event = event.publish_raw(
            "order.broken",
            Key::of("k"),
            number.to_string(),
            Publish::new(),
        );
        event.await.expect("published");
    }
    scene.done.at_least(2).await;
    bus.shutdown().await.expect("it ends");
    assert_eq!(scene.ledger.findings().inversions, ["broken 2"]);
}

on! {
    every [
        regression_09_five_topics_fifty_keys_a_thousand_events_in_order,
        regression_09_the_checker_sees_an_injected_inversion,
    ]
}
