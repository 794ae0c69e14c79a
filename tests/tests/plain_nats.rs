//! Programs that know only the wire: plain async-nats on one side, the bus on the other.
#![cfg(feature = "nats")]

mod nats {
    use async_nats::HeaderMap;
    use async_nats::jetstream::{self, Context, message::StreamMessage};
    use bus_runtime::prelude::*;
    use bus_runtime::testing::several_buses;
    use bus_runtime::{DeadLetterFilter, DeadLetters, Publish};
    use std::process::{Command, Output};
    use std::sync::Arc;
    use tests::broker::Nats;
    use tokio::sync::mpsc;

    /// An order as another program writes it.
    #[derive(Debug, Serialize, Deserialize, Event)]
    #[event(topic = "orders.placed", key = customer)]
    struct OrderPlaced {
        order: u64,
        customer: String,
    }

    /// What a handler saw of an event.
    #[derive(Debug, PartialEq, Eq)]
    struct Saw {
        order: u64,
        key: Option<Vec<u8>>,
        id: String,
        tenant: Option<String>,
    }

    #[event_handler(topic = OrderPlaced::TOPIC)]
    async fn take(
        Json(order): Json<OrderPlaced>,
        key: Key,
        about: Metadata,
        headers: Headers,
        State(saw): State<mpsc::UnboundedSender<Saw>>,
    ) -> Result {
        if order.order == 0 {
            return Err(HandlerError::permanent("no such order: Größe 0"));
        }
        saw.send(Saw {
            order: order.order,
            key: key.as_bytes().map(Into::into),
            id: about.id.to_string(),
            tenant: headers.get("tenant").map(str::to_owned),
        })?;
        Ok(())
    }

    #[event_bus(group = "shop", state = mpsc::UnboundedSender<Saw>, handlers = [take])]
    struct Shop;

    async fn plain(nats: &Nats) -> Context {
        jetstream::new(
            async_nats::connect(nats.url())
                .await
                .expect("the server is there"),
        )
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (*name, *value)).fold(
            HeaderMap::new(),
            |mut map, (name, value)| {
                map.append(name, value);
                map
            },
        )
    }

    async fn stored(plain: &Context, stream: &str, sequence: u64) -> StreamMessage {
        let stream = plain.get_stream(stream).await.expect("the stream is there");
        stream
            .get_raw_message(sequence)
            .await
            .expect("the message is there")
    }

    fn value(message: &StreamMessage, name: &str) -> Option<String> {
        message.headers.get(name).map(ToString::to_string)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_plain_publisher_is_heard() {
        several_buses();
        let nats = Nats::start();
        let (saw, mut seen) = mpsc::unbounded_channel();
        let bus = Shop::new(Config::new(nats.url()))
            .start(saw)
            .await
            .expect("it starts");
        let plain = plain(&nats).await;
        let publish = |subject: &'static str, pairs: &[(&str, &str)], json: &'static str| {
            let (plain, headers) = (plain.clone(), headers(pairs));
            async move {
                let answer = plain
                    .publish_with_headers(subject, headers, json.into())
                    .await
                    .expect("sent");
                answer.await.expect("stored")
            }
        };
        // Any partition will do for one publisher; the bus reads them all.
        publish(
            "events.3.orders.placed",
            &[("bus-key", "ann"), ("tenant", "blue")],
            r#"{"order":1,"customer":"ann"}"#,
        )
        .await;
        publish(
            "events.3.orders.placed",
            &[
                ("bus-key-base64", "YSBiIA=="),
                ("Nats-Msg-Id", "orders.placed/mine/7"),
            ],
            r#"{"order":2,"customer":"a b "}"#,
        )
        .await;
        // Neither key nor id: the event's own key, and its position.
        publish(
            "events.0.orders.placed",
            &[],
            r#"{"order":3,"customer":"bob"}"#,
        )
        .await;

        let mut got = Vec::new();
        for _ in 0..3 {
            got.push(seen.recv().await.expect("handled"));
        }
        got.sort_by_key(|saw| saw.order);
        let saw = |order, key: &[u8], id: &str, tenant: Option<&str>| Saw {
            order,
            key: Some(key.into()),
            id: id.to_owned(),
            tenant: tenant.map(str::to_owned),
        };
        assert_eq!(
            got,
            [
                saw(1, b"ann", "events/1", Some("blue")),
                saw(2, b"a b ", "mine/7", None),
                saw(3, b"bob", "events/3", None),
            ]
        );
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(
            (report.handled(), report.dead_lettered()),
            (3, 0),
            "{report}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_bus_stores_is_as_the_wire_says() {
        several_buses();
        let nats = Nats::start();
        let (saw, mut seen) = mpsc::unbounded_channel();
        let bus = Shop::new(Config::new(nats.url()))
            .start(saw)
            .await
            .expect("it starts");
        let order = OrderPlaced {
            order: 1,
            customer: "ann".into(),
        };
        bus.publish_with(
            &order,
            Publish::new().id("order-1").header("tenant", "blue"),
        )
        .await
        .expect("stored");
        let spaced = Key::from_bytes(&b"a b "[..]);
        let publisher = bus.publisher();
        publisher
            .publish_raw(
                "orders.placed",
                spaced,
                r#"{"order":0,"customer":"x"}"#,
                Publish::new().id("order-0"),
            )
            .await
            .expect("stored");
        seen.recv().await.expect("handled");
        let plain = plain(&nats).await;

        let first = stored(&plain, "events", 1).await;
        // fnv1a32("ann") = 0x1529cc18, of 16 partitions: 8.
        assert_eq!(first.subject.as_str(), "events.8.orders.placed");
        assert_eq!(&first.payload[..], br#"{"order":1,"customer":"ann"}"#);
        let names = ["bus-key", "bus-key-base64", "Nats-Msg-Id", "tenant"];
        let values = names.map(|name| value(&first, name));
        assert_eq!(
            values,
            [
                Some("ann".into()),
                None,
                Some("orders.placed/order-1".into()),
                Some("blue".into())
            ]
        );
        let second = stored(&plain, "events", 2).await;
        let values = names.map(|name| value(&second, name));
        assert_eq!(
            values,
            [
                None,
                Some("YSBiIA==".into()),
                Some("orders.placed/order-0".into()),
                None
            ]
        );

        // The dead letter is stored before its event is settled, so a shutdown that says so has stored it.
        let report = loop {
            if dead_letters(&plain).await == 1 {
                break bus.shutdown().await.expect("it ends");
            }
            tokio::task::yield_now().await;
        };
        assert_eq!((report.handled(), report.released()), (1, 0), "{report}");
        let dead = stored(&plain, "events~dead", 1).await;
        assert_eq!(dead.subject.as_str(), "events~dead.shop.orders.placed");
        assert_eq!(&dead.payload[..], br#"{"order":0,"customer":"x"}"#);
        let expected = [
            ("Nats-Msg-Id", "shop/orders.placed/events/2"),
            ("bus-key-base64", "YSBiIA=="),
            ("bus-dead-id", "order-0"),
            ("bus-dead-topic", "orders.placed"),
            ("bus-dead-position", "events/2"),
            ("bus-dead-group", "shop"),
            ("bus-dead-handler", "plain_nats::nats::take"),
            ("bus-dead-reason", "permanent"),
            ("bus-dead-error", "no such order: Gr\\u{f6}\\u{df}e 0"),
            ("bus-dead-attempts", "1"),
        ];
        for (name, expected) in expected {
            assert_eq!(value(&dead, name).as_deref(), Some(expected), "{name}");
        }
        for name in ["bus-dead-time", "bus-dead-at"] {
            let time = value(&dead, name).expect("there");
            assert!(humantime::parse_rfc3339(&time).is_ok(), "{name}: {time}");
        }
        replayed(&nats, &plain, &second).await;
    }

    /// The bus is down: the replay of the dead letter of `event` waits for it.
    async fn replayed(nats: &Nats, plain: &Context, event: &StreamMessage) {
        let letters = DeadLetters::connect(Config::new(nats.url()), "shop").await;
        let letters = letters.expect("it connects");
        let all = DeadLetterFilter::all();
        assert_eq!(letters.replay_all(&all).await.expect("replayed"), 1);
        letters.shutdown().await.expect("it closes");
        assert_eq!(dead_letters(plain).await, 0);
        let replay = stored(plain, "events~replay", 1).await;
        let event = event.subject.as_str().trim_start_matches("events.");
        assert_eq!(
            replay.subject.as_str(),
            format!("events~replay.shop.{event}")
        );
        assert_eq!(&replay.payload[..], br#"{"order":0,"customer":"x"}"#);
        let mut names: Vec<_> = replay
            .headers
            .iter()
            .map(|(name, _)| name.to_string())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "Nats-Msg-Id",
                "bus-dead-attempts",
                "bus-dead-id",
                "bus-dead-position",
                "bus-dead-time",
                "bus-dead-topic",
                "bus-key-base64",
            ]
        );
        let id = value(&replay, "Nats-Msg-Id").expect("it has one");
        let nanoseconds = id.strip_prefix("shop/1/").map(str::parse::<u64>);
        assert!(matches!(nanoseconds, Some(Ok(_))), "{id}");
    }

    async fn dead_letters(plain: &Context) -> u64 {
        let stream = plain
            .get_stream("events~dead")
            .await
            .expect("the stream is there");
        stream.cached_info().state.messages
    }

    fn quickstart(nats: &Nats) -> String {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args([
            "run",
            "--quiet",
            "--all-features",
            "--package",
            "examples",
            "--example",
            "quickstart",
        ]);
        let Output {
            status,
            stdout,
            stderr,
        } = cargo
            .env("BUS_URL", nats.url())
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&stdout).into_owned();
        assert!(
            status.success(),
            "{said}{}",
            String::from_utf8_lossy(&stderr)
        );
        said
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_quickstart_runs_on_a_real_server_and_hears_a_plain_publisher() {
        let nats = Arc::new(Nats::start());
        let run = |nats: &Arc<Nats>| {
            let nats = Arc::clone(nats);
            async move {
                tokio::task::spawn_blocking(move || quickstart(&nats))
                    .await
                    .expect("it ran")
            }
        };
        let said = run(&nats).await;
        for line in [
            "charged ann",
            "charged bob",
            "handled      5",
            "retried      1",
            "dead letters 1 (permanent 1)",
        ] {
            assert!(said.contains(line), "{said}");
        }
        let plain = plain(&nats).await;
        let json = r#"{"order":9,"customer":"carl","cents":500}"#;
        let headers = headers(&[("bus-key", "carl")]);
        let answer = plain
            .publish_with_headers("events.0.orders.placed", headers, json.into())
            .await
            .expect("sent");
        answer.await.expect("stored");
        let said = run(&nats).await;
        assert!(
            said.contains("charged carl with 500 cents for order 9"),
            "{said}"
        );
    }
}
