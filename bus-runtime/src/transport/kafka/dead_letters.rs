//! Reads the dead letters of a group.

use super::client::{self, Connection, Plain};
use super::native;
use super::options::KafkaOptions;
use super::wire;
use crate::event::Message;
use crate::transport::TransportError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long reading may take.
const READING: Duration = Duration::from_secs(10);
/// How long the cluster is asked at a time.
const SLICE: Duration = Duration::from_millis(500);

/// The oldest dead letters in a topic, at most `limit`. Blocks, but not for long.
pub(super) fn read(
    options: &KafkaOptions,
    connection: &Arc<Connection>,
    topic: &str,
    limit: usize,
) -> Result<Vec<Message>, TransportError> {
    let failed = |error: &KafkaError| {
        client::failed(&format!("reading the dead letters in `{topic}`"), error)
    };
    if limit == 0 {
        return Ok(Vec::new());
    }
    let deadline = Instant::now() + READING;
    let mut settings = client::settings(options);
    settings
        // Only a name, which the client asks for: no group is joined, and nothing is committed.
        .set("group.id", topic)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("auto.offset.reset", "earliest")
        .set("enable.partition.eof", "true");
    let reader: BaseConsumer<Plain> = settings
        .create_with_context(Plain(Arc::clone(connection)))
        .map_err(|error| failed(&error))?;
    let partitions = partitions(&reader, topic, deadline).map_err(|error| failed(&error))?;
    let mut ends = BTreeMap::new();
    let mut from = TopicPartitionList::new();
    for partition in partitions {
        let left = left(deadline);
        let (low, high) = reader
            .fetch_watermarks(topic, partition, left)
            .map_err(|error| failed(&error))?;
        if low < high {
            ends.insert(partition, high);
            from.add_partition_offset(topic, partition, Offset::Offset(low))
                .map_err(|error| failed(&error))?;
        }
    }
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    reader.assign(&from).map_err(|error| failed(&error))?;
    let name: Arc<str> = topic.into();
    let mut letters: BTreeMap<i32, Vec<Message>> = BTreeMap::new();
    while !ends.is_empty() {
        let left = left(deadline);
        if left.is_zero() {
            return Err(TransportError::Unreachable(format!(
                "reading the dead letters in `{topic}`: no answer within {READING:?}"
            )));
        }
        match reader.poll(left.min(SLICE)) {
            None => {}
            Some(Ok(record)) => {
                let partition = record.partition();
                let of = letters.entry(partition).or_default();
                let end = ends.get(&partition).copied();
                if end.is_some_and(|end| record.offset() < end) && of.len() < limit {
                    of.push(letter(&name, &record));
                }
                if of.len() >= limit || end.is_some_and(|end| record.offset() + 1 >= end) {
                    ends.remove(&partition);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => drop(ends.remove(&partition)),
            Some(Err(error)) => match client::failed("", &error) {
                // It tries again by itself.
                TransportError::Unreachable(_) => {}
                _ => return Err(failed(&error)),
            },
        }
    }
    let mut letters: Vec<Message> = letters.into_values().flatten().collect();
    // A topic that the bus made has one partition: these are in order already.
    letters.sort_by_key(|letter| letter.time);
    letters.truncate(limit);
    Ok(letters)
}

/// The topic's partitions; none, when it is missing: it is made with the group's first consumer.
fn partitions(
    reader: &BaseConsumer<Plain>,
    topic: &str,
    deadline: Instant,
) -> Result<Vec<i32>, KafkaError> {
    let metadata = reader.fetch_metadata(Some(topic), left(deadline))?;
    let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
        return Ok(Vec::new());
    };
    match found.error().map(RDKafkaErrorCode::from) {
        None | Some(RDKafkaErrorCode::LeaderNotAvailable) => Ok(found
            .partitions()
            .iter()
            .map(MetadataPartition::id)
            .collect()),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(Vec::new()),
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

fn letter(topic: &Arc<str>, record: &BorrowedMessage<'_>) -> Message {
    wire::dead_letter(wire::event(
        Arc::clone(topic),
        &format!("{topic}/{}", record.partition()),
        u64::try_from(record.offset()).unwrap_or_default(),
        record.key(),
        record.payload(),
        native::headers(record),
        record.timestamp().to_millis(),
    ))
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
