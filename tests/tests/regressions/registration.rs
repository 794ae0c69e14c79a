//! Nothing that is published before or during a start is lost.

use bus_runtime::prelude::*;
use bus_runtime::{Publish, Publisher};
use std::collections::BTreeSet;
use tests::on;
use tests::on::Broker;
use tests::seen::Seen;

/// Which handler has seen which event.
type Scene = Seen<(&'static str, String)>;

fn note(scene: &Scene, handler: &'static str, payload: &[u8]) {
    scene.add((handler, String::from_utf8(payload.to_vec()).expect("text")));
}

#[event_handler(topic = "early.first", key = Record)]
async fn first(Raw(payload): Raw, State(scene): State<Scene>) {
    note(&scene, "first", &payload);
}

#[event_handler(topic = "early.second", key = Record)]
async fn second(Raw(payload): Raw, State(scene): State<Scene>) {
    note(&scene, "second", &payload);
}

/// Each with a progress of its own, listed with their module.
#[event_handlers]
mod groups {
    use super::{Scene, note};
    use bus_runtime::prelude::*;

    #[event_handler(topic = "early.first", group = "audit", key = Unordered)]
    async fn audit(Raw(payload): Raw, State(scene): State<Scene>) {
        note(&scene, "audit", &payload);
    }

    #[event_handlers]
    mod later {
        use super::{Scene, note};
        use bus_runtime::prelude::*;

        #[event_handler(topic = "early.second", group = "late", key = Unordered)]
        async fn late(Raw(payload): Raw, State(scene): State<Scene>) {
            note(&scene, "late", &payload);
        }
    }
}

#[event_bus(group = "early", state = Scene, handlers = [first, second, groups])]
struct Early;

const EACH: usize = 200;

/// Publishes so many events to each topic, named `<when> <number>`.
async fn publish(publisher: Publisher, when: &'static str) {
    for number in 0..EACH {
        for topic in ["early.first", "early.second"] {
            let key = Key::of(&(number as u64 % 7));
            let event =
                publisher.publish_raw(topic, key, format!("{when} {number}"), Publish::new());
            event.await.expect("published");
        }
    }
}

fn assert_all_seen(scene: &Scene, when: &[&str]) {
    let seen: BTreeSet<_> = scene.all().into_iter().collect();
    for handler in ["first", "second", "audit", "late"] {
        for when in when {
            let missing =
                (0..EACH).find(|number| !seen.contains(&(handler, format!("{when} {number}"))));
            assert_eq!(missing, None, "{handler}, {when}");
        }
    }
    assert_eq!(seen.len(), 4 * when.len() * EACH);
}

/// In memory nobody can publish before the start; the first moment after it is the earliest.
async fn regression_18_every_group_has_what_is_published_from_the_first_moment<B: Broker>(
    broker: B,
) {
    let scene = Scene::default();
    let bus = Early::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    let both = [bus.publisher(), bus.publisher()]
        .into_iter()
        .zip(["one", "other"]);
    let both = both.map(|(publisher, when)| tokio::spawn(publish(publisher, when)));
    for publishing in both.collect::<Vec<_>>() {
        publishing.await.expect("published");
    }
    scene.at_least(4 * 2 * EACH).await;
    bus.shutdown().await.expect("it ends");
    assert_all_seen(&scene, &["one", "other"]);
}

#[cfg(any(feature = "nats", feature = "kafka"))]
async fn regression_18_events_before_and_during_a_start_are_all_handled<B: Broker>(broker: B) {
    let scene = Scene::default();
    let publisher = Publisher::connect(broker.config())
        .await
        .expect("it connects");
    publish(publisher.clone(), "before").await;
    let during = tokio::spawn(publish(publisher.clone(), "during"));
    let bus = Early::new(broker.config())
        .start(scene.clone())
        .await
        .expect("it starts");
    during.await.expect("published");
    scene.at_least(4 * 2 * EACH).await;
    bus.shutdown().await.expect("it ends");
    publisher.shutdown().await.expect("it closes");
    assert_all_seen(&scene, &["before", "during"]);
}

on! {
    every [regression_18_every_group_has_what_is_published_from_the_first_moment]
    durable [regression_18_events_before_and_during_a_start_are_all_handled]
}
