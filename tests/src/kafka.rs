//! What another program sees of a Kafka server: plain librdkafka beside the bus.

use crate::patience::{PATIENCE, until};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::OwnedMessage;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The settings of a client of the server with this URL.
pub fn client(url: &str) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", url.trim_start_matches("kafka://"));
    settings
}

fn consumer(url: &str, group: &str) -> BaseConsumer {
    let mut settings = client(url);
    settings
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "earliest");
    settings.create().expect("the settings are right")
}

/// Makes a topic, and waits until the server shows it, which it may not as soon as it is made.
///
/// # Panics
///
/// When the server refuses it.
pub async fn make_topic(url: &str, name: &str, partitions: i32, options: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> =
        client(url).create().expect("the settings are right");
    let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    let topic = options
        .iter()
        .fold(topic, |topic, (name, value)| topic.set(name, value));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await;
    let made = made.expect("the server answers");
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    let shown = || topics(url).contains_key(name);
    until("the topic is shown", shown).await;
}

/// How many partitions each topic of the server has, but for Kafka's own.
///
/// # Panics
///
/// When the server does not answer.
pub fn topics(url: &str) -> BTreeMap<String, usize> {
    let metadata = consumer(url, "nobody").fetch_metadata(None, PATIENCE);
    let metadata = metadata.expect("the server answers");
    let topics = metadata.topics().iter();
    topics
        .filter(|topic| !topic.name().starts_with("__"))
        .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
        .collect()
}

/// Where a group stands in each partition of a topic, by number: the next offset, where it has one.
///
/// # Panics
///
/// When the server does not answer.
pub fn committed(url: &str, group: &str, topic: &str) -> Vec<Option<i64>> {
    let partitions = topics(url).get(topic).copied().unwrap_or_default();
    let mut asked = TopicPartitionList::new();
    for partition in 0..partitions {
        asked.add_partition(topic, number(partition));
    }
    let answer = consumer(url, group).committed_offsets(asked, PATIENCE);
    let answer = answer.expect("the server answers");
    let offsets = answer.elements().into_iter().map(|one| match one.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    });
    offsets.collect()
}

/// The offset behind the last record of each partition of a topic, by number.
///
/// # Panics
///
/// When the server does not answer.
pub fn ends(url: &str, topic: &str) -> Vec<i64> {
    let reader = consumer(url, "nobody");
    let partitions = topics(url).get(topic).copied().unwrap_or_default();
    let end = |partition| {
        let watermarks = reader.fetch_watermarks(topic, number(partition), PATIENCE);
        watermarks.expect("the server answers").1
    };
    (0..partitions).map(end).collect()
}

/// The first records of a topic, as many as asked for, the oldest first.
///
/// # Panics
///
/// When there are not so many after [`PATIENCE`].
pub fn read(url: &str, topic: &str, count: usize) -> Vec<OwnedMessage> {
    let reader = consumer(url, "nobody");
    let partitions = topics(url).get(topic).copied().unwrap_or_default();
    let mut from = TopicPartitionList::new();
    for partition in 0..partitions {
        from.add_partition_offset(topic, number(partition), Offset::Beginning)
            .expect("a partition is no negative number");
    }
    reader.assign(&from).expect("the client takes it");
    let deadline = Instant::now() + PATIENCE;
    let mut records = Vec::new();
    while records.len() < count {
        assert!(
            Instant::now() < deadline,
            "{} of {count} records in `{topic}`",
            records.len()
        );
        if let Some(record) = reader.poll(Duration::from_millis(100)) {
            records.push(record.expect("the server answers").detach());
        }
    }
    records.sort_by_key(|record| (record.timestamp(), record.partition(), record.offset()));
    records
}

fn number(partition: usize) -> i32 {
    i32::try_from(partition).expect("a small number")
}

/// Changes options of a topic.
///
/// # Panics
///
/// When the server refuses it.
pub async fn change_topic(url: &str, name: &str, options: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> =
        client(url).create().expect("the settings are right");
    let topic = AlterConfig::new(ResourceSpecifier::Topic(name));
    let topic = options
        .iter()
        .fold(topic, |topic, (name, value)| topic.set(name, value));
    let changed = admin.alter_configs([&topic], &AdminOptions::new()).await;
    let changed = changed.expect("the server answers");
    assert!(changed.iter().all(Result::is_ok), "{changed:?}");
}
