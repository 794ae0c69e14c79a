//! Events in each format, and what becomes of those in another.

#![cfg(all(feature = "messagepack", feature = "protobuf"))]

use bus_runtime::prelude::*;
use bus_runtime::{Carries, Codec, DeadReason, EncodeError, FromPayload, Message, Report, Running};
use bytes::Bytes;
use tests::logged::Logged;
use tests::on;
use tests::on::Broker;
use tests::seen::{Seen, eventually};

/// The same content for each format.
#[derive(Clone, PartialEq, Serialize, Deserialize, Event, prost::Message)]
#[event(topic = "codecs.json", key = meter)]
struct AsJson {
    #[prost(uint64, tag = "1")]
    meter: u64,
    #[prost(string, tag = "2")]
    text: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Event, prost::Message)]
#[event(topic = "codecs.message-pack", key = meter, codec = MessagePack)]
struct AsMessagePack {
    #[prost(uint64, tag = "1")]
    meter: u64,
    #[prost(string, tag = "2")]
    text: String,
}

#[derive(Clone, PartialEq, Event, prost::Message)]
#[event(topic = "codecs.protobuf", key = meter, codec = Protobuf)]
struct AsProtobuf {
    #[prost(uint64, tag = "1")]
    meter: u64,
    #[prost(string, tag = "2")]
    text: String,
}

/// Text that is shouted: a format of this program's own.
struct Shout<T>(T);

#[derive(Event)]
#[event(topic = "codecs.own", key = 0, codec = Shout)]
struct AsOwn(String);

impl Codec<AsOwn> for Shout<AsOwn> {
    const CONTENT_TYPE: &'static str = "text/x-shout";

    fn encode(event: &AsOwn) -> Result<Bytes, EncodeError> {
        if event.0.is_empty() {
            return Err(EncodeError::new("nobody shouts nothing"));
        }
        Ok(event.0.to_uppercase().into())
    }
}

impl FromPayload for Shout<AsOwn> {
    type Event = AsOwn;

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        let text = String::from_utf8(message.payload.to_vec());
        let text = text.map_err(|error| Rejection::new(error.to_string()))?;
        Ok(Shout(AsOwn(text)))
    }

    fn event(&self) -> &AsOwn {
        &self.0
    }
}

impl Carries<AsOwn> for Shout<AsOwn> {}

/// What a handler saw: its name, the event, the key and the header `content-type`.
type Saw = (&'static str, String, Option<Bytes>, Option<String>);

type Scene = Seen<Saw>;

fn saw(scene: &Scene, name: &'static str, text: String, key: &Key, headers: &Headers) {
    let key = key.as_bytes().map(Bytes::copy_from_slice);
    let content_type = headers.get("content-type").map(str::to_owned);
    scene.add((name, text, key, content_type));
}

#[event_handler(topic = AsJson::TOPIC)]
async fn json(Json(event): Json<AsJson>, key: Key, headers: Headers, State(scene): State<Scene>) {
    saw(&scene, "json", event.text, &key, &headers);
}

#[event_handler(topic = AsMessagePack::TOPIC)]
async fn message_pack(
    MessagePack(event): MessagePack<AsMessagePack>,
    key: Key,
    headers: Headers,
    State(scene): State<Scene>,
) {
    saw(&scene, "message_pack", event.text, &key, &headers);
}

#[event_handler(topic = AsProtobuf::TOPIC, key = |event| event.meter)]
async fn protobuf(
    Protobuf(event): Protobuf<AsProtobuf>,
    key: Key,
    headers: Headers,
    State(scene): State<Scene>,
) {
    saw(&scene, "protobuf", event.text, &key, &headers);
}

#[event_handler(topic = AsOwn::TOPIC)]
async fn own(Shout(event): Shout<AsOwn>, key: Key, headers: Headers, State(scene): State<Scene>) {
    saw(&scene, "own", event.0, &key, &headers);
}

/// The bytes, whatever the format is.
#[event_handler(topic = AsMessagePack::TOPIC, key = Unordered, group = "raw")]
async fn raw(Raw(bytes): Raw, key: Key, headers: Headers, State(scene): State<Scene>) {
    let text = bytes.escape_ascii().to_string();
    saw(&scene, "raw", text, &key, &headers);
}

#[event_bus(group = "codecs", state = Scene, handlers = [json, message_pack, protobuf, own, raw])]
struct Codecs;

async fn start(broker: &impl Broker) -> (Running, Scene) {
    let scene = Scene::default();
    let bus = Codecs::new(broker.config()).start(scene.clone()).await;
    (bus.expect("it starts"), scene)
}

async fn every_codec_goes_there_and_back<B: Broker>(broker: B) {
    let (bus, scene) = start(&broker).await;
    let text = || "größer".to_owned();
    let event = AsJson {
        meter: 7,
        text: text(),
    };
    bus.publish(&event).await.expect("published");
    let event = AsMessagePack {
        meter: 7,
        text: text(),
    };
    bus.publish(&event).await.expect("published");
    let event = AsProtobuf {
        meter: 7,
        text: text(),
    };
    bus.publish(&event).await.expect("published");
    bus.publish(&AsOwn(text())).await.expect("published");
    scene.at_least(5).await;

    let mut all = scene.all();
    all.sort();
    let entry = |name, text: &str, key: &'static str, content_type: Option<&str>| -> Saw {
        let content_type = content_type.map(str::to_owned);
        (name, text.to_owned(), Some(key.into()), content_type)
    };
    let bytes = r"\x82\xa5meter\x07\xa4text\xa8gr\xc3\xb6\xc3\x9fer";
    let raw = Some("application/msgpack".to_owned());
    let raw = ("raw", bytes.to_owned(), None, raw);
    let expected = [
        entry("json", "größer", "7", None),
        entry("message_pack", "größer", "7", Some("application/msgpack")),
        entry("own", "GRÖSSER", "größer", Some("text/x-shout")),
        entry("protobuf", "größer", "7", Some("application/protobuf")),
        raw,
    ];
    assert_eq!(all, expected);
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (5, 0),
        "{report}"
    );
}

/// What another program stores: bytes, under no key, with this header or without.
async fn send(
    bus: &Running,
    topic: &str,
    bytes: &'static [u8],
    content_type: Option<&'static str>,
) {
    let mut with = Publish::new();
    if let Some(content_type) = content_type {
        with = with.header("content-type", content_type);
    }
    let sent = bus.publisher();
    let sent = sent.publish_raw(topic, Key::NONE, bytes, with).await;
    sent.expect("published");
}

/// The reasons that were logged of so many dead letters, sorted, and the report of the end.
async fn reasons(bus: Running, count: usize) -> (Vec<String>, Report) {
    let logged = eventually("every dead letter is logged", || {
        let lines = Logged::here().complaints().into_iter();
        let mut dead: Vec<_> = lines
            .filter_map(|line| {
                let (_, reason) = line.text.split_once("dead letter: ")?;
                Some(reason.split(" handler=").next()?.to_owned())
            })
            .collect();
        dead.sort();
        (dead.len() == count).then_some(dead)
    })
    .await;
    eventually("every dead letter is stored", || {
        let load = bus.load();
        (load.delayed == 0 && load.in_flight == 0).then_some(())
    })
    .await;
    (logged, bus.shutdown().await.expect("it ends"))
}

fn undecodable(report: &Report, handler: &str) -> u64 {
    let mut handlers = report.handlers.iter();
    let found = handlers.find(|of| of.handler == format!("codecs::{handler}"));
    match &found.expect("it is listed").dead[..] {
        [] => 0,
        [(DeadReason::Undecodable, count)] => *count,
        other => panic!("{handler}: {other:?}"),
    }
}

async fn what_cannot_be_read_is_a_dead_letter_that_says_why<B: Broker>(broker: B) {
    let (bus, _) = start(&broker).await;
    send(&bus, "codecs.json", b"{\"meter\":7}", None).await;
    let (message_pack, protobuf) = ("application/msgpack", "application/protobuf");
    send(
        &bus,
        "codecs.message-pack",
        b"\x81\xa5meter\x07",
        Some(message_pack),
    )
    .await;
    send(&bus, "codecs.protobuf", b"\x08", Some(protobuf)).await;

    let (reasons, report) = reasons(bus, 3).await;
    assert_eq!(
        reasons,
        [
            "the payload is not the JSON of a `codecs::AsJson`: missing field `text` at line 1 column 11",
            "the payload is not the MessagePack of a `codecs::AsMessagePack`: missing field `text`",
            "the payload is not the Protobuf of a `codecs::AsProtobuf`: failed to decode Protobuf message: \
             AsProtobuf.meter: invalid varint",
        ]
    );
    for handler in ["json", "message_pack", "protobuf"] {
        assert_eq!(undecodable(&report, handler), 1, "{report}");
    }
}

async fn another_content_type_is_a_dead_letter_that_names_the_fix<B: Broker>(broker: B) {
    let (bus, scene) = start(&broker).await;
    let map = b"\x82\xa5meter\x07\xa4text\xa1x";
    send(&bus, "codecs.json", map, Some("application/msgpack")).await;
    send(&bus, "codecs.message-pack", b"{}", None).await;
    send(&bus, "codecs.protobuf", b"x", Some("image/png")).await;
    // A codec's own header gives way to one that is given.
    let event = AsProtobuf {
        meter: 7,
        text: String::new(),
    };
    let with = Publish::new().header("content-type", "application/json");
    bus.publish_with(&event, with).await.expect("published");

    scene.at_least(1).await;
    let (reasons, report) = reasons(bus, 4).await;
    assert_eq!(
        reasons,
        [
            "the event has no header `content-type`, which means `application/json`, and `MessagePack` reads \
             `application/msgpack`: take it as `Json`",
            "the event's header `content-type` is `application/json`, and `Protobuf` reads `application/protobuf`: \
             take it as `Json`",
            "the event's header `content-type` is `application/msgpack`, and `Json` reads `application/json`: take it as \
             `MessagePack`, of the cargo feature `messagepack`",
            "the event's header `content-type` is `image/png`, and `Protobuf` reads `application/protobuf`: take it as \
             `Raw`",
        ]
    );
    assert_eq!(undecodable(&report, "protobuf"), 2, "{report}");
    let all = scene.all();
    assert!(matches!(&all[..], [("raw", ..)]), "{all:?}");
}

/// Other names of a format, in whatever case and with parameters; the key of the event where the record has none.
async fn the_names_that_others_use_are_read<B: Broker>(broker: B) {
    let (bus, scene) = start(&broker).await;
    let map = b"\x82\xa5meter\x07\xa4text\xa1x";
    for name in [
        "application/vnd.msgpack",
        "Application/X-MsgPack ; version=1",
    ] {
        send(&bus, "codecs.message-pack", map, Some(name)).await;
    }
    let message = b"\x08\x07\x12\x01x";
    for name in ["application/x-protobuf", "application/vnd.google.protobuf"] {
        send(&bus, "codecs.protobuf", message, Some(name)).await;
    }
    let object = br#"{"meter":7,"text":"x"}"#;
    for name in [
        "application/json; charset=utf-8",
        "application/vnd.shop.meter+JSON",
    ] {
        send(&bus, "codecs.json", object, Some(name)).await;
    }
    scene.at_least(8).await;
    let report = bus.shutdown().await.expect("it ends");
    assert_eq!(
        (report.handled(), report.dead_lettered()),
        (8, 0),
        "{report}"
    );
    for (name, text, key, _) in scene.all() {
        assert_eq!(
            key.as_deref(),
            (name != "raw").then_some(&b"7"[..]),
            "{name}"
        );
        assert!(name == "raw" || text == "x", "{name}: {text}");
    }
}

async fn what_cannot_be_written_is_not_published<B: Broker>(broker: B) {
    let (bus, scene) = start(&broker).await;
    let refused = bus.publish(&AsOwn(String::new())).await;
    let refused = refused.expect_err("it cannot be written").to_string();
    assert!(
        refused.contains("codecs.own") && refused.contains("nobody shouts nothing"),
        "{refused}"
    );
    bus.shutdown().await.expect("it ends");
    assert_eq!(scene.count(), 0);
}

on! {
    every [
        every_codec_goes_there_and_back,
        what_cannot_be_read_is_a_dead_letter_that_says_why,
        another_content_type_is_a_dead_letter_that_names_the_fix,
        the_names_that_others_use_are_read,
    ]
    memory [what_cannot_be_written_is_not_published]
}
