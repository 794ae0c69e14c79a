//! What holds on NATS alone: names and bytes on the server, provisioning, a server that goes away.
#![cfg(feature = "nats")]

mod settled;

use async_nats::jetstream::stream::{self, SubjectTransform};
use async_nats::jetstream::{self, Context};
use async_nats::{HeaderMap, header::HeaderValue};
use bus_runtime::prelude::*;
use bus_runtime::{Provision, Publish, Running, testing};
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use tests::broker::Nats;
use tokio::sync::mpsc;

/// Far longer than anything here takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
const TOPIC: &str = "orders.placed";

/// What the handler saw.
#[derive(Debug)]
struct Seen {
    id: String,
    key: Key,
    payload: String,
}

#[derive(Clone)]
struct Tell(mpsc::UnboundedSender<Seen>);

#[event_handler(topic = TOPIC, key = Record)]
async fn tell(event: Raw, key: Key, about: Metadata, State(Tell(seen)): State<Tell>) -> Result {
    let payload = String::from_utf8(event.0.to_vec())?;
    let id = about.id.to_string();
    seen.send(Seen { id, key, payload })?;
    Ok(())
}

#[event_bus(group = "shop", state = Tell, handlers = [tell])]
struct Shop;

async fn start(config: Config) -> (Running, mpsc::UnboundedReceiver<Seen>) {
    testing::several_buses();
    let (tell, seen) = mpsc::unbounded_channel();
    let bus = Shop::new(config)
        .start(Tell(tell))
        .await
        .expect("the bus starts");
    (bus, seen)
}

async fn next(seen: &mut mpsc::UnboundedReceiver<Seen>) -> Seen {
    let next = tokio::time::timeout(PATIENCE, seen.recv()).await;
    next.expect("an event comes in time").expect("the bus runs")
}

async fn jetstream(nats: &Nats) -> Context {
    jetstream::new(
        async_nats::connect(nats.url())
            .await
            .expect("the server accepts"),
    )
}

async fn publish(bus: &Running, key: Key, payload: &str) {
    let publisher = bus.publisher();
    publisher
        .publish_raw(TOPIC, key, payload.to_owned(), Publish::new())
        .await
        .expect("stored");
}

/// The acknowledged position of the group, and the last one of the stream.
async fn floor(js: &Context) -> (u64, u64) {
    let stream = js.get_stream("events").await.expect("the stream is there");
    let last = stream
        .get_info()
        .await
        .expect("its state")
        .state
        .last_sequence;
    let consumer = stream
        .consumer_info("shop")
        .await
        .expect("the consumer is there");
    (consumer.ack_floor.stream_sequence, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_program_publishes_by_the_wire_format() {
    let nats = Nats::start();
    let (bus, mut seen) = start(Config::new(nats.url())).await;
    let js = jetstream(&nats).await;
    let headers = |pairs: &[(&'static str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().expect("a name"), HeaderValue::from(*value)));
        pairs.collect::<HeaderMap>()
    };
    let send = async |subject: &'static str, headers: HeaderMap, payload: &'static str| {
        let sent = js
            .publish_with_headers(subject, headers, payload.into())
            .await
            .expect("sent");
        sent.await.expect("stored");
    };
    send(
        "events.3.orders.placed",
        headers(&[("bus-key", "c-7"), ("Nats-Msg-Id", "orders.placed/x/1")]),
        "a",
    )
    .await;
    send("events.9.orders.placed", HeaderMap::new(), "b").await;
    // Not a subject of the bus: left out, and in nobody's way.
    send("events.nonsense", HeaderMap::new(), "c").await;
    send(
        "events.3.orders.placed",
        headers(&[("bus-key-base64", "/wA=")]),
        "d",
    )
    .await;
    send(
        "events.3.orders.placed",
        headers(&[("bus-key-base64", "%")]),
        "e",
    )
    .await;
    let mut found = HashMap::new();
    for _ in 0..4 {
        let one = next(&mut seen).await;
        found.insert(one.payload, (one.id, one.key));
    }
    let expected = [
        ("a", "x/1", Key::of("c-7")),
        ("b", "events/2", Key::NONE),
        ("d", "events/4", Key::from_bytes(&b"\xff\x00"[..])),
        ("e", "events/5", Key::of("%")),
    ];
    let expected = expected.map(|(payload, id, key)| (payload.to_owned(), (id.to_owned(), key)));
    assert_eq!(found, HashMap::from(expected));
    bus.shutdown().await.expect("a clean end");
    assert_eq!(
        floor(&js).await,
        (5, 5),
        "everything is acknowledged, what was left out too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_those_that_the_server_computes() {
    let nats = Nats::start();
    let js = jetstream(&nats).await;
    let transform = SubjectTransform {
        source: "in.*".into(),
        destination: "out.{{partition(16,1)}}.{{wildcard(1)}}".into(),
    };
    let check = stream::Config {
        name: "check".into(),
        subjects: vec!["in.*".into()],
        subject_transform: Some(transform),
        ..stream::Config::default()
    };
    let check = js.create_stream(check).await.expect("made");
    let config = Config::new(nats.url());
    let publisher = Publisher::connect(config).await.expect("connected");
    let events = js
        .get_stream("events")
        .await
        .expect("made by the publisher");
    for key in [
        "c-7",
        "a",
        "foobar",
        "4f6c0a3e-0000-7000-8000-000000000001",
        "~",
        "\u{e9}",
    ] {
        publisher
            .publish_raw(TOPIC, Key::of(key), "", Publish::new())
            .await
            .expect("stored");
        let stored = js
            .publish(format!("in.{key}"), "".into())
            .await
            .expect("sent")
            .await
            .expect("stored");
        let servers = check
            .get_raw_message(stored.sequence)
            .await
            .expect("there")
            .subject;
        let servers = servers.split('.').nth(1).expect("a partition").to_owned();
        let ours = events
            .get_raw_message(stored.sequence)
            .await
            .expect("there")
            .subject;
        assert_eq!(
            ours.as_str(),
            format!("events.{servers}.orders.placed"),
            "{key}"
        );
    }
    publisher.shutdown().await.expect("a clean end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_is_deleted_is_made_again_and_nothing_comes_twice() {
    let nats = Nats::start();
    let (bus, mut seen) = start(Config::new(nats.url())).await;
    let js = jetstream(&nats).await;
    for number in 0..10 {
        publish(&bus, Key::of(&number), &number.to_string()).await;
    }
    let mut payloads = Vec::new();
    for _ in 0..10 {
        payloads.push(next(&mut seen).await.payload);
    }
    let stream = js.get_stream("events").await.expect("the stream is there");
    stream.delete_consumer("shop").await.expect("deleted");
    publish(&bus, Key::of("later"), "later").await;
    payloads.push(next(&mut seen).await.payload);
    bus.shutdown().await.expect("a clean end");
    while let Ok(one) = seen.try_recv() {
        payloads.push(one.payload);
    }
    assert_eq!(payloads.len(), 11);
    assert_eq!(payloads.iter().collect::<HashSet<_>>().len(), 11);
    assert_eq!(floor(&js).await, (11, 11));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_and_consumers_of_others_are_refused_by_name() {
    testing::several_buses();
    let nats = Nats::start();
    let js = jetstream(&nats).await;
    let foreign = stream::Config {
        name: "foreign".into(),
        subjects: vec!["foreign.>".into()],
        ..stream::Config::default()
    };
    js.create_stream(foreign).await.expect("made");
    let refused = async |config: Config| {
        let (tell, _seen) = mpsc::unbounded_channel();
        let started = Shop::new(config).start(Tell(tell)).await;
        let error: Box<dyn std::error::Error> = Box::new(started.expect_err("it does not start"));
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    };
    let text = refused(Config::new(nats.url()).namespace("foreign")).await;
    assert!(
        text.contains("`foreign`") && text.contains("no `bus-partitions`"),
        "{text}"
    );
    let text = refused(
        Config::new(nats.url())
            .namespace("absent")
            .provision(Provision::Verify),
    )
    .await;
    assert!(
        text.contains("the stream `absent` does not exist"),
        "{text}"
    );

    let publisher = Publisher::connect(Config::new(nats.url()))
        .await
        .expect("makes the stream");
    publisher.shutdown().await.expect("a clean end");
    let stream = js.get_stream("events").await.expect("the stream is there");
    let other = jetstream::consumer::pull::Config {
        durable_name: Some("shop".into()),
        ack_policy: jetstream::consumer::AckPolicy::All,
        ..jetstream::consumer::pull::Config::default()
    };
    stream.create_consumer(other).await.expect("made");
    let text = refused(Config::new(nats.url())).await;
    assert!(
        text.contains("`shop`") && text.contains("ack policy is All"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_url_says_who_connects() {
    let nats = Nats::start_with(r#"authorization { user: me, password: "s3cr@t" }"#);
    let address = nats.url().trim_start_matches("nats://").to_owned();
    let connect = async |user: &str| {
        let config = Config::new(format!("nats://{user}@{address}"));
        Publisher::connect(config.connect_timeout(PATIENCE)).await
    };
    let publisher = connect("me:s3cr%40t").await.expect("the right password");
    publisher
        .publish_raw(TOPIC, Key::NONE, "", Publish::new())
        .await
        .expect("stored");
    publisher.shutdown().await.expect("a clean end");

    let began = Instant::now();
    let error = connect("me:wrong").await.expect_err("the wrong password");
    let text = format!(
        "{error} {:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    );
    assert!(
        text.contains("no such user") && !text.contains("wrong"),
        "{text}"
    );
    assert!(
        began.elapsed() < PATIENCE / 2,
        "a wrong password is not tried for the whole time"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_stored() {
    const EVENTS: usize = 20_000;
    let mut nats = Nats::start();
    let (bus, mut seen) = start(Config::new(nats.url()).publish_timeout(PATIENCE)).await;
    let publisher = bus.publisher();
    let publishing = tokio::spawn(async move {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..EVENTS {
            let publisher = publisher.clone();
            tasks.spawn(async move {
                let key = Key::of(&(number % 50));
                publisher
                    .publish_raw(TOPIC, key, number.to_string(), Publish::new())
                    .await
            });
        }
        let outcomes = tasks.join_all().await;
        outcomes.iter().filter(|outcome| outcome.is_ok()).count()
    });
    let mut found = HashSet::new();
    for part in 1..=2 {
        while found.len() < part * EVENTS / 4 {
            found.insert(next(&mut seen).await.payload);
        }
        nats.kill();
        nats.restart();
    }
    while found.len() < EVENTS {
        found.insert(next(&mut seen).await.payload);
    }
    let stored = tokio::time::timeout(PATIENCE, publishing)
        .await
        .expect("every publish has an outcome");
    assert_eq!(stored.expect("no panic"), EVENTS);
    let report = bus.shutdown().await.expect("a clean end");
    assert_eq!(report.left, Vec::<String>::new());
    let (floor, last) = floor(&jetstream(&nats).await).await;
    assert_eq!(floor, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_keeps_its_deadline_with_the_server_gone() {
    let mut nats = Nats::start();
    let deadline = Duration::from_secs(2);
    let (bus, mut seen) = start(Config::new(nats.url()).shutdown_deadline(deadline)).await;
    publish(&bus, Key::of("c-7"), "one").await;
    next(&mut seen).await;
    nats.kill();
    let began = Instant::now();
    let report = bus.shutdown().await.expect("it ends");
    assert!(
        began.elapsed() < deadline + Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    let unconfirmed = |left: &String| left.contains("acknowledgements of group `shop`");
    assert!(report.left.iter().any(unconfirmed), "{:?}", report.left);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_with_headers_that_are_not_text_stops_nothing() {
    let nats = Nats::start();
    let (bus, mut seen) = start(Config::new(nats.url())).await;
    publish(&bus, Key::of("c-7"), "before").await;
    let address = nats.url().trim_start_matches("nats://").to_owned();
    let mut other = std::net::TcpStream::connect(address).expect("the server accepts");
    let headers = b"NATS/1.0\r\nname: \xff\r\nNats-Msg-Id: orders.placed/raw\r\n\r\n";
    let (head, all) = (headers.len(), headers.len() + 3);
    let mut command = b"CONNECT {\"verbose\":false,\"headers\":true}\r\n".to_vec();
    command.extend(format!("HPUB events.3.orders.placed {head} {all}\r\n").bytes());
    command.extend(headers);
    command.extend(b"raw\r\nPING\r\n");
    other.write_all(&command).expect("the server is there");
    let mut answer = [0; 4096];
    while !answer.windows(4).any(|bytes| bytes == b"PONG") {
        assert!(other.read(&mut answer).expect("the server answers") > 0);
    }
    publish(&bus, Key::of("c-7"), "behind").await;
    let mut found = Vec::new();
    for _ in 0..3 {
        let one = next(&mut seen).await;
        found.push((one.payload, one.id));
    }
    assert_eq!(found[0].0, "before");
    assert_eq!(found[1], ("raw".to_owned(), "raw".to_owned()));
    assert_eq!(found[2].0, "behind");
    bus.shutdown().await.expect("a clean end");
    assert_eq!(floor(&jetstream(&nats).await).await, (3, 3));
}
