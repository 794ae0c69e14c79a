//! Mistakes are found before the first connection; what is missing at the broker is named.

use crate::step::Step;
use bus_runtime::StartError;
use bus_runtime::prelude::*;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;
use tests::on;
use tests::on::Memory;
use tests::seen::Seen;

type Scene = Seen<Step>;

#[event_handler(topic = Step::TOPIC)]
async fn take(Json(step): Json<Step>, State(scene): State<Scene>) {
    scene.add(step);
}

#[event_bus(group = "config", state = Scene, handlers = [take])]
struct Configured;

async fn mistakes(config: Config) -> String {
    let error = Configured::new(config)
        .start(Scene::default())
        .await
        .expect_err("two mistakes");
    assert!(matches!(error, StartError::Config(_)), "{error:?}");
    error.to_string()
}

/// Without the feature `nats` its URL is a mistake too.
async fn regression_32_all_mistakes_are_named_before_the_first_connection(_: Memory) {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    server.set_nonblocking(true).expect("a socket can be");
    let url = format!(
        "nats://ann:s3cret@{}",
        server.local_addr().expect("it has one")
    );
    let config = Config::new(url)
        .in_flight(0)
        .publish_timeout(Duration::ZERO);
    for config in [
        config.clone(),
        config.connect_timeout(Duration::from_hours(1)),
    ] {
        let error = mistakes(config).await;
        assert!(error.contains("`in_flight` is `0`"), "{error}");
        assert!(error.contains("`publish_timeout` is `0s`"), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    let connection = server.accept().map(|(_, from)| from);
    let error = connection.expect_err("nobody connects");
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}

async fn regression_32_what_is_not_an_option_is_refused(_: Memory) {
    let file = serde_json::from_str::<Config>(r#"{"url": "memory:", "workers": 8}"#);
    let error = file.expect_err("`workers` is not an option").to_string();
    assert!(error.contains("unknown option `workers`"), "{error}");
    let error = mistakes(Config::new("redis://localhost").buffer(0)).await;
    assert!(
        error.contains("redis://localhost") && error.contains("`buffer` is `0`"),
        "{error}"
    );
}

#[cfg(feature = "nats")]
async fn regression_34_a_missing_stream_is_named_or_created<B: tests::on::Broker>(broker: B) {
    use crate::step::step;
    use bus_runtime::Provision;

    let config = broker.config().namespace("absent");
    let verify =
        || Configured::new(config.clone().provision(Provision::Verify)).start(Scene::default());
    let error = verify().await.expect_err("there is no stream");
    assert!(matches!(error, StartError::Broker { .. }), "{error:?}");
    let error = error.to_string();
    assert!(error.contains("`absent`"), "it names the stream: {error}");

    let scene = Scene::default();
    let bus = Configured::new(config.clone())
        .start(scene.clone())
        .await
        .expect("it is created");
    bus.publish(&step("k", 1)).await.expect("published");
    scene.at_least(1).await;
    bus.shutdown().await.expect("it ends");

    let bus = verify().await.expect("now it is there");
    bus.shutdown().await.expect("it ends");
}

#[cfg(feature = "kafka")]
async fn regression_34_a_missing_topic_is_named_or_created(kafka: tests::on::SharedKafka) {
    use crate::step::step;
    use bus_runtime::Provision;
    use tests::on::Broker;

    let wire_topic = format!("{}.steps.taken", kafka.namespace());
    let there = || tests::kafka::topics(tests::on::SharedKafka::server().url());
    let start = async |provision, scene: &Scene| {
        let config = kafka.config().provision(provision);
        let config = config
            .connect_timeout(Duration::from_secs(3))
            .session_timeout(Duration::from_secs(2))
            .revoke_drain(Duration::from_secs(1));
        Configured::new(config).start(scene.clone()).await
    };
    for provision in [Provision::Verify, Provision::None] {
        let error = start(provision, &Scene::default()).await;
        let error = error.expect_err("there is no topic");
        assert!(matches!(error, StartError::Broker { .. }), "{error:?}");
        let error = error.to_string();
        // Verified, it is missing; not looked for, nothing of it is ever assigned.
        assert!(error.contains(&wire_topic), "{error}");
        assert!(!there().contains_key(&wire_topic), "nobody has made it");
    }
    for (number, provision) in (1..).zip([Provision::Create, Provision::Verify, Provision::None]) {
        let scene = Scene::default();
        let bus = start(provision, &scene).await.expect("it is there");
        assert!(there().contains_key(&wire_topic));
        bus.publish(&step("k", number)).await.expect("published");
        scene.at_least(1).await;
        bus.shutdown().await.expect("it ends");
        assert_eq!(scene.all(), [step("k", number)]);
    }
}

on! {
    memory [
        regression_32_all_mistakes_are_named_before_the_first_connection,
        regression_32_what_is_not_an_option_is_refused,
    ]
    nats [regression_34_a_missing_stream_is_named_or_created]
    cluster [regression_34_a_missing_topic_is_named_or_created]
}
