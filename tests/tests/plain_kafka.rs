//! Programs that know only the wire: plain librdkafka on one side, the bus on the other.
#![cfg(feature = "kafka")]

mod kafka {
    use bus_runtime::Publish;
    use bus_runtime::prelude::*;
    use bus_runtime::testing::several_buses;
    use rdkafka::Message as _;
    use rdkafka::message::{Header, Headers as _, OwnedHeaders, OwnedMessage};
    use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
    use std::collections::BTreeSet;
    use tests::kafka::{client, ends, read, topics};
    use tests::letters::listed;
    use tests::on::{Broker, PATIENCE, SharedKafka};
    use tests::patience::within;
    use tokio::sync::mpsc;

    /// What a handler saw of an event.
    #[derive(Debug, PartialEq, Eq)]
    struct Saw {
        payload: String,
        key: Option<Vec<u8>>,
        id: String,
        headers: Vec<(String, Vec<u8>)>,
    }

    fn saw(payload: &[u8], key: &Key, about: &Metadata, headers: &Headers) -> Saw {
        let headers = headers.iter();
        Saw {
            payload: String::from_utf8(payload.to_vec()).expect("text"),
            key: key.as_bytes().map(Into::into),
            id: about.id.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_vec()))
                .collect(),
        }
    }

    type Scene = mpsc::UnboundedSender<Saw>;

    #[event_handler(topic = "raw", key = Record)]
    async fn raw(
        Raw(payload): Raw,
        key: Key,
        about: Metadata,
        headers: Headers,
        State(scene): State<Scene>,
    ) -> Result {
        scene.send(saw(&payload, &key, &about, &headers))?;
        if payload == "poison" {
            return Err(HandlerError::permanent("no such order: Größe 0"));
        }
        Ok(())
    }

    /// An order as another program writes it.
    #[derive(Debug, Serialize, Deserialize, Event)]
    #[event(topic = "orders.placed", key = customer)]
    struct OrderPlaced {
        order: u64,
        customer: String,
    }

    #[event_handler(topic = OrderPlaced::TOPIC)]
    async fn take(
        Json(order): Json<OrderPlaced>,
        key: Key,
        about: Metadata,
        headers: Headers,
        State(scene): State<Scene>,
    ) -> Result {
        scene.send(saw(
            order.order.to_string().as_bytes(),
            &key,
            &about,
            &headers,
        ))?;
        Ok(())
    }

    #[event_bus(group = "shop", state = Scene, handlers = [raw, take])]
    struct Shop;

    /// The bus, what it sees, and what its topics are called.
    struct Stage {
        bus: bus_runtime::Running,
        seen: mpsc::UnboundedReceiver<Saw>,
        prefix: String,
    }

    async fn stage(partitions: u32) -> Stage {
        several_buses();
        let kafka = SharedKafka::fresh();
        let (scene, seen) = mpsc::unbounded_channel();
        let config = kafka.config().kafka_partitions(partitions);
        Stage {
            bus: Shop::new(config).start(scene).await.expect("it starts"),
            seen,
            prefix: kafka.namespace().to_owned(),
        }
    }

    impl Stage {
        fn topic(&self, topic: &str) -> String {
            format!("{}.{topic}", self.prefix)
        }

        async fn next(&mut self) -> Saw {
            let saw = within("an event", self.seen.recv()).await;
            saw.expect("the bus runs")
        }

        async fn end(self) {
            let report = self.bus.shutdown().await.expect("it ends");
            assert!(report.left.is_empty(), "{report}");
        }
    }

    fn url() -> &'static str {
        SharedKafka::server().url()
    }

    fn plain() -> BaseProducer {
        client(url()).create().expect("the settings are right")
    }

    /// Has one record stored.
    fn store(
        producer: &BaseProducer,
        topic: &str,
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        headers: OwnedHeaders,
    ) {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).headers(headers);
        record.key = key;
        record.payload = payload;
        let queued = producer.send(record).map_err(|(error, _)| error);
        queued.expect("there is room");
        producer.flush(PATIENCE).expect("stored");
    }

    fn headers(pairs: &[(&str, Option<&[u8]>)]) -> OwnedHeaders {
        let pairs = pairs.iter();
        pairs.fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: *value })
        })
    }

    fn owned(pairs: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
            .collect()
    }

    /// The headers of a record, in order; none of them null.
    fn headers_of(record: &OwnedMessage) -> Vec<(String, Vec<u8>)> {
        let headers = record
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter());
        headers
            .map(|header| {
                let value = header.value.expect("the bus writes none that is null");
                (header.key.to_owned(), value.to_vec())
            })
            .collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_plain_producer_is_heard() {
        let mut stage = stage(1).await;
        let (topic, producer) = (stage.topic("raw"), plain());
        let none = OwnedHeaders::new();
        let binary = b"\xff\0\r\n ";
        store(&producer, &topic, Some(b"ann"), Some(b"0"), none.clone());
        store(&producer, &topic, None, Some(b"1"), none.clone());
        store(&producer, &topic, Some(b""), Some(b"2"), none.clone());
        store(&producer, &topic, Some(binary), Some(b"3"), none.clone());
        let own = headers(&[("bus-id", Some(b"mine/7"))]);
        store(&producer, &topic, Some(b"k"), Some(b"4"), own);
        let many = headers(&[
            ("b", Some(b"1")),
            ("content-type", Some(b"text/plain")),
            ("a", Some(b"\xff\0")),
            ("b", Some(b"2")),
            ("B", None),
            ("b", Some(b"")),
        ]);
        store(&producer, &topic, Some(b"k"), Some(b"5"), many);
        // A tombstone.
        store(&producer, &topic, Some(b"gone"), None, none);

        let mut all = Vec::new();
        for _ in 0..7 {
            all.push(stage.next().await);
        }
        // Keys run side by side; a tombstone's payload is the smallest.
        all.sort_by(|one, other| one.payload.cmp(&other.payload));
        let expect = |payload: &str, key: Option<&[u8]>, id: &str, headers: &[(&str, &[u8])]| Saw {
            payload: payload.to_owned(),
            key: key.map(Into::into),
            id: id.to_owned(),
            headers: owned(headers),
        };
        let in_order: [(&str, &[u8]); 6] = [
            ("b", b"1"),
            ("content-type", b"text/plain"),
            ("a", b"\xff\0"),
            ("b", b"2"),
            ("B", b""),
            ("b", b""),
        ];
        assert_eq!(
            all,
            [
                expect("", Some(b"gone"), "raw/0/6", &[]),
                expect("0", Some(b"ann"), "raw/0/0", &[]),
                expect("1", None, "raw/0/1", &[]),
                expect("2", Some(b""), "raw/0/2", &[]),
                expect("3", Some(binary), "raw/0/3", &[]),
                expect("4", Some(b"k"), "mine/7", &[]),
                expect("5", Some(b"k"), "raw/0/5", &in_order),
            ]
        );
        stage.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_typed_event_of_somebody_else_has_its_own_key() {
        let mut stage = stage(1).await;
        let (topic, producer) = (stage.topic("orders.placed"), plain());
        let json = br#"{"order":3,"customer":"bob"}"#;
        store(&producer, &topic, None, Some(json), OwnedHeaders::new());
        let saw = stage.next().await;
        assert_eq!((&*saw.payload, &*saw.id), ("3", "orders.placed/0/0"));
        assert_eq!(saw.key.as_deref(), Some(&b"bob"[..]));
        stage.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_bus_stores_is_as_the_wire_says() {
        let mut stage = stage(12).await;
        let order = OrderPlaced {
            order: 1,
            customer: "ann".into(),
        };
        let with = Publish::new().id("order-1").header("tenant", "blue");
        let stored = stage.bus.publish_with(&order, with).await;
        stored.expect("stored");
        let bus = stage.bus.publisher();
        let keys = [
            Key::NONE,
            Key::from_bytes(""),
            Key::from_bytes(&b"\xff\0 "[..]),
        ];
        for key in &keys {
            let stored = bus.publish_raw("raw", key.clone(), "x", Publish::new());
            stored.await.expect("stored");
        }
        for _ in 0..4 {
            stage.next().await;
        }
        let topic = stage.topic("orders.placed");
        let [record] = &*read(url(), &topic, 1) else {
            panic!("one record")
        };
        assert_eq!(record.key(), Some(&b"ann"[..]));
        let json = br#"{"order":1,"customer":"ann"}"#;
        assert_eq!(record.payload(), Some(&json[..]));
        assert_eq!(
            headers_of(record),
            owned(&[("bus-id", b"order-1"), ("tenant", b"blue")])
        );
        let stored = read(url(), &stage.topic("raw"), 3);
        let stored: BTreeSet<_> = stored
            .iter()
            .map(|record| record.key().map(<[u8]>::to_vec))
            .collect();
        let expected = keys.iter().map(|key| key.as_bytes().map(<[u8]>::to_vec));
        assert_eq!(stored, expected.collect());
        stage.end().await;
    }

    /// The partition of a key is the one where every Java producer puts it.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_is_in_the_partition_of_a_java_producer() {
        const PARTITIONS: i64 = 12;
        // What the Java client's murmur2 gives for these.
        let golden: [(&[u8], i64); 3] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"abc", 479_470_107),
        ];
        let mut stage = stage(12).await;
        let bus = stage.bus.publisher();
        for (key, _) in golden {
            let stored = bus.publish_raw("raw", Key::from_bytes(key), "x", Publish::new());
            stored.await.expect("stored");
            stage.next().await;
        }
        let stored = read(url(), &stage.topic("raw"), golden.len());
        for (key, hash) in golden {
            let record = stored.iter().find(|record| record.key() == Some(key));
            let partition = i64::from(record.expect("stored").partition());
            assert_eq!(
                partition,
                (hash & 0x7fff_ffff) % PARTITIONS,
                "{}",
                key.escape_ascii()
            );
        }
        stage.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_dead_letter_is_the_record_byte_for_byte_and_why() {
        let mut stage = stage(1).await;
        let (topic, producer) = (stage.topic("raw"), plain());
        let dead_topic = stage.topic("shop..dead");
        let key = b"\xff key ";
        let own: [(&str, Option<&[u8]>); 4] = [
            ("b", Some(b"1")),
            ("a", Some(b"\xff\0")),
            ("b", Some(b"2")),
            ("bus-id", Some(b"mine")),
        ];
        store(&producer, &topic, Some(key), Some(b"poison"), headers(&own));
        // Of somebody else, without an id.
        store(
            &producer,
            &topic,
            Some(key),
            Some(b"poison"),
            headers(&own[..3]),
        );
        for _ in 0..2 {
            stage.next().await;
        }
        let letters = read(url(), &dead_topic, 2);
        assert_eq!(ends(url(), &dead_topic), [2], "in one partition, in order");
        let ids = ["mine", "raw/0/1"];
        for (number, (letter, id)) in letters.iter().zip(ids).enumerate() {
            assert_eq!(letter.key(), Some(&key[..]));
            assert_eq!(letter.payload(), Some(&b"poison"[..]));
            let all = headers_of(letter);
            let value = |name: &str| {
                let found = all.iter().filter(|(of, _)| of == name);
                let values: Vec<_> = found
                    .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
                    .collect();
                values
            };
            let ours: Vec<_> = all
                .iter()
                .filter(|(name, _)| !name.starts_with("bus-"))
                .cloned()
                .collect();
            let theirs = owned(&[("b", b"1"), ("a", b"\xff\0"), ("b", b"2")]);
            assert_eq!(ours, theirs, "in order, duplicates kept");
            let own_id: &[&str] = if number == 0 { &["mine"] } else { &[] };
            assert_eq!(value("bus-id"), own_id);
            let position = format!("raw/0/{number}");
            for (name, expected) in [
                ("bus-dead-id", id),
                ("bus-dead-topic", "raw"),
                ("bus-dead-position", &*position),
                ("bus-dead-group", "shop"),
                ("bus-dead-handler", "plain_kafka::kafka::raw"),
                ("bus-dead-reason", "permanent"),
                ("bus-dead-error", "no such order: Gr\\u{f6}\\u{df}e 0"),
                ("bus-dead-attempts", "1"),
            ] {
                assert_eq!(value(name), [expected], "{name}");
            }
            for name in ["bus-dead-time", "bus-dead-at"] {
                let [time] = &*value(name) else {
                    panic!("one {name}")
                };
                assert!(humantime::parse_rfc3339(time).is_ok(), "{name}: {time}");
            }
        }
        assert_eq!(topics(url())[&dead_topic], 1);
        replayed(&mut stage, &dead_topic, key).await;
        stage.end().await;
    }

    /// The oldest of two dead letters is replayed, and is a dead letter again.
    async fn replayed(stage: &mut Stage, dead_topic: &str, key: &[u8]) {
        let dead = stage.bus.dead_letters();
        let oldest = listed(&dead, 2).await.remove(0);
        dead.replay(oldest.id).await.expect("replayed");
        stage.next().await;
        let replay = read(url(), &stage.topic("shop..replay"), 1).remove(0);
        assert_eq!(
            (replay.key(), replay.payload()),
            (Some(key), Some(&b"poison"[..]))
        );
        let mut all = headers_of(&replay);
        let (time, _) = all.remove(8);
        assert_eq!(time, "bus-dead-time");
        let expected = owned(&[
            ("bus-id", b"mine"),
            ("bus-replay-topic", b"raw"),
            ("b", b"1"),
            ("a", b"\xff\0"),
            ("b", b"2"),
            ("bus-dead-id", b"mine"),
            ("bus-dead-topic", b"raw"),
            ("bus-dead-position", b"raw/0/0"),
            ("bus-dead-attempts", b"1"),
        ]);
        assert_eq!(all, expected);

        // The first one is cut off, since all before it is resolved; the new one is behind the second.
        let left = listed(&dead, 2).await;
        assert_eq!((left[0].attempts, left[1].attempts), (1, 2));
        assert_eq!(left[1].position, "raw/0/0");
        assert_eq!(ends(url(), dead_topic), [3]);
        assert_eq!(read(url(), dead_topic, 2)[0].offset(), 1);
        // Not in its turn: it is named, and stays in the log.
        dead.purge(left[1].id).await.expect("purged");
        let resolved = stage.topic("shop..resolved");
        let named = read(url(), &resolved, 3).remove(2);
        assert_eq!(named.key(), Some(&b"0/2"[..]));
        assert_eq!(listed(&dead, 1).await[0].id, left[0].id);
        assert_eq!(read(url(), dead_topic, 2)[1].offset(), 2);
    }
}
