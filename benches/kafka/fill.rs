//! The events that all read.

use crate::{EVENTS, PARTITIONS, TOPIC};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::time::Duration;

/// Makes the topic and publishes the events.
pub(crate) fn fill(servers: &str) {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", servers);
    let admin: AdminClient<DefaultClientContext> = settings.create().expect("a client");
    let topic = NewTopic::new(TOPIC, PARTITIONS, TopicReplication::Fixed(-1));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let made = runtime.block_on(admin.create_topics(&[topic], &AdminOptions::new()));
    made.expect("the broker answers");

    settings
        .set("linger.ms", "5")
        .set("enable.idempotence", "true");
    let producer: BaseProducer = settings.create().expect("a producer");
    let mut payload = [b'x'; 200];
    for number in 0..EVENTS {
        let key = format!("{:08}", number % 10_000);
        payload[..8].copy_from_slice(key.as_bytes());
        let mut record = BaseRecord::to(TOPIC).key(&key).payload(&payload[..]);
        while let Err((error, again)) = producer.send(record) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(error, full, "the broker takes events");
            producer.poll(Duration::from_millis(10));
            record = again;
        }
        if number % 1000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer
        .flush(Duration::from_mins(1))
        .expect("all is stored");
}
