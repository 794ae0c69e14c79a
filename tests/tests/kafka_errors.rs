//! What Kafka refuses, in the bus's words: answers that a broker gives only when it is set up for them are injected by
//! the client's own mock cluster.
#![cfg(feature = "kafka")]

mod kafka {
    use bus_runtime::prelude::*;
    use bus_runtime::testing::several_buses;
    use bus_runtime::{Provision, PublishError, StartError};
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
    use std::time::Duration;
    use tests::cause::{green, red};
    use tests::logged::Logged;
    use tests::metered;
    use tests::on::Memory;
    use tests::seen::{Seen, eventually};

    /// More often than any client asks before the test is over.
    const OFTEN: usize = 1000;

    #[derive(Clone, Debug, Serialize, Deserialize, Event)]
    #[event(topic = "orders.placed", key = order)]
    struct OrderPlaced {
        order: u64,
    }

    #[event_handler(topic = OrderPlaced::TOPIC)]
    async fn take(Json(order): Json<OrderPlaced>, State(seen): State<Seen<u64>>) {
        seen.add(order.order);
    }

    #[event_bus(group = "shop", state = Seen<u64>, handlers = [take])]
    struct Shop;

    fn cluster() -> MockCluster<'static, DefaultProducerContext> {
        several_buses();
        let cluster = MockCluster::new(1).expect("the client can mock");
        cluster
            .create_topic("orders.placed", 2, 1)
            .expect("it is new");
        cluster
    }

    fn config(cluster: &MockCluster<'static, DefaultProducerContext>) -> Config {
        Config::new(format!("kafka://{}", cluster.bootstrap_servers()))
            .provision(Provision::None)
            .connect_timeout(Duration::from_secs(20))
    }

    fn always(
        cluster: &MockCluster<'static, DefaultProducerContext>,
        request: RDKafkaApiKey,
        error: RDKafkaRespErr,
    ) {
        cluster.request_errors(request, &[error; OFTEN]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_refuses_works() {
        let cluster = cluster();
        let seen = Seen::default();
        let bus = Shop::new(config(&cluster)).start(seen.clone());
        let bus = bus.await.expect("it starts");
        let order = OrderPlaced { order: 7 };
        bus.publish(&order).await.expect("published");
        seen.at_least(1).await;
        bus.shutdown().await.expect("it ends");
        assert_eq!(seen.all(), [7]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_group_that_may_not_be_read_fails_the_start_and_is_named() {
        let cluster = cluster();
        let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
        always(&cluster, RDKafkaApiKey::JoinGroup, error);
        let bus = Shop::new(config(&cluster)).start(Seen::default());
        let error = bus.await.expect_err("the group is refused");
        assert!(matches!(error, StartError::Broker { .. }), "{error:?}");
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(
            text.contains("no right to read as the group `shop`"),
            "{text}"
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_topic_that_may_not_be_written_refuses_the_publish_and_is_named() {
        let cluster = cluster();
        let error = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
        always(&cluster, RDKafkaApiKey::Produce, error);
        let publisher = Publisher::connect(config(&cluster)).await;
        let publisher = publisher.expect("it connects");
        let error = publisher.publish(&OrderPlaced { order: 1 }).await;
        let error = error.expect_err("it may not write");
        let text = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(text.contains("the right WRITE"), "{text}");
        assert!(text.contains("`orders.placed`"), "{text}");
        publisher.shutdown().await.expect("it ends");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn regression_33_a_publish_without_its_copies_fails() {
        let cluster = cluster();
        let too_few = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
        always(&cluster, RDKafkaApiKey::Produce, too_few);
        let config = config(&cluster).publish_timeout(Duration::from_secs(2));
        let publisher = Publisher::connect(config).await.expect("it connects");
        let error = publisher.publish(&OrderPlaced { order: 1 }).await;
        let error = error.expect_err("it has one copy of two");
        assert!(
            matches!(error, PublishError::NotConfirmed { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains("`orders.placed`"), "{error}");
        publisher.shutdown().await.expect("it ends");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn offsets_that_another_coordinator_has_are_asked_for_again() {
        let cluster = cluster();
        let elsewhere = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
        cluster.request_errors(RDKafkaApiKey::OffsetFetch, &[elsewhere; 2]);
        let seen = Seen::default();
        let bus = Shop::new(config(&cluster)).start(seen.clone());
        let bus = bus.await.expect("it starts");
        let order = OrderPlaced { order: 7 };
        bus.publish(&order).await.expect("published");
        seen.at_least(1).await;
        bus.shutdown().await.expect("it ends");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_broker_that_is_far_away_says_all_the_same_where_the_group_stands() {
        let cluster = cluster();
        let far = Duration::from_millis(300);
        cluster
            .broker_round_trip_time(1, far)
            .expect("it is the only one");
        let seen = Seen::default();
        let bus = Shop::new(config(&cluster)).start(seen.clone());
        let bus = bus.await.expect("it starts");
        let order = OrderPlaced { order: 7 };
        bus.publish(&order).await.expect("published");
        seen.at_least(1).await;
        bus.shutdown().await.expect("it ends");
    }

    // On one thread, whose log it reads.
    #[tokio::test]
    async fn a_group_that_does_not_say_where_it_stands_is_named() {
        let cluster = cluster();
        let logged = Logged::here();
        let not_now = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        always(&cluster, RDKafkaApiKey::OffsetFetch, not_now);
        let starting = Shop::new(config(&cluster)).start(Seen::default());
        let says = |text: &str| {
            let complaints = logged.complaints();
            let mut complaints = complaints.iter();
            complaints.any(|line| line.text.contains(text))
        };
        let named = async {
            // Once by itself, and once by the start that waits for it.
            for text in [
                "it is asked again and again, and until then nothing is read of orders.placed 0 1",
                "has not assigned partitions yet, waiting: the group does not say where it stands: OperationTimedOut",
            ] {
                eventually(text, || says(text).then_some(())).await;
            }
            cluster.clear_request_errors(RDKafkaApiKey::OffsetFetch);
        };
        let (bus, ()) = tokio::join!(starting, named);
        bus.expect("it starts").shutdown().await.expect("it ends");
    }

    // On one thread, whose log it reads.
    #[tokio::test]
    async fn a_bus_whose_group_never_says_where_it_stands_ends_all_the_same() {
        let cluster = cluster();
        let logged = Logged::here();
        let config = config(&cluster).session_timeout(Duration::from_secs(4));
        let bus = Shop::new(config).start(Seen::default());
        let bus = bus.await.expect("it starts");
        let not_now = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        always(&cluster, RDKafkaApiKey::OffsetFetch, not_now);
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
        cluster.request_errors(RDKafkaApiKey::Heartbeat, &[unknown]);
        let asked = || {
            let complaints = logged.complaints();
            let mut complaints = complaints.iter();
            let asked = complaints.any(|line| line.text.contains("asked again and again"));
            asked.then_some(())
        };
        eventually("the group is asked where it stands", asked).await;
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(report.left.len(), 0, "{report}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_passing_error_of_the_broker_costs_no_event() {
        let cluster = cluster();
        let seen = Seen::default();
        let bus = Shop::new(config(&cluster)).start(seen.clone());
        let bus = bus.await.expect("it starts");
        for (request, error) in [
            (
                RDKafkaApiKey::Produce,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            ),
            (
                RDKafkaApiKey::Fetch,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            ),
            (
                RDKafkaApiKey::OffsetCommit,
                RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            ),
        ] {
            cluster.request_errors(request, &[error; 2]);
        }
        for order in 1..=20 {
            let order = OrderPlaced { order };
            bus.publish(&order).await.expect("published");
        }
        seen.at_least(20).await;
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(report.left.len(), 0, "{report}");
        let mut orders = seen.all();
        orders.sort_unstable();
        orders.dedup();
        assert_eq!(orders, (1..=20).collect::<Vec<_>>());
    }

    #[test]
    fn a_member_that_the_group_has_given_up_is_not_ready_until_it_has_joined_again() {
        metered::run(|_: Memory| given_up_until_it_has_joined_again());
    }

    async fn given_up_until_it_has_joined_again() {
        let cluster = cluster();
        let seen = Seen::default();
        let config = config(&cluster).session_timeout(Duration::from_secs(4));
        let bus = Shop::new(config).start(seen.clone());
        let bus = bus.await.expect("it starts");
        assert!(bus.health().ready);
        // It may not join again for now.
        let not_now = RDKafkaRespErr::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
        always(&cluster, RDKafkaApiKey::JoinGroup, not_now);
        let unknown = RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID;
        cluster.request_errors(RDKafkaApiKey::Heartbeat, &[unknown]);
        let words = ["group `shop` has lost its partitions"];
        red(&bus, "unassigned", &words).await;
        let health = bus.health();
        assert!(health.live && !health.ready, "{health}");
        cluster.clear_request_errors(RDKafkaApiKey::JoinGroup);
        green(&bus, "unassigned", words[0]).await;
        assert!(bus.health().ready);
        bus.publish(&OrderPlaced { order: 3 })
            .await
            .expect("published");
        seen.at_least(1).await;
        bus.shutdown().await.expect("it ends");
    }
}
