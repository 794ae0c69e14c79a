//! Reads a topic from its beginning to its present end, without a group.

use super::client::{self, Connection, Plain};
use super::options::KafkaOptions;
use crate::transport::TransportError;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::metadata::MetadataPartition;
use rdkafka::{Offset, TopicPartitionList};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the cluster may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// How long it is asked at a time.
const SLICE: Duration = Duration::from_millis(500);

/// Reads one topic. Each call blocks, but not for long once the cluster is silent.
pub(super) struct Reader {
    topic: String,
    client: BaseConsumer<Plain>,
}

impl Reader {
    pub(super) fn open(
        options: &KafkaOptions,
        connection: &Arc<Connection>,
        topic: &str,
    ) -> Result<Self, TransportError> {
        let mut settings = client::settings(options);
        settings
            // Only a name, which the client asks for: no group is joined, and nothing is committed.
            .set("group.id", topic)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true");
        let client = settings
            .create_with_context(Plain(Arc::clone(connection)))
            .map_err(|error| client::failed(&format!("reading the topic `{topic}`"), &error))?;
        Ok(Reader {
            topic: topic.to_owned(),
            client,
        })
    }

    /// The topic's partitions; none, when it is missing.
    pub(super) fn partitions(&self) -> Result<Vec<i32>, TransportError> {
        let metadata = self.client.fetch_metadata(Some(&self.topic), SILENCE);
        let metadata = metadata.map_err(|error| self.failed(&error))?;
        let mut topics = metadata.topics().iter();
        let Some(found) = topics.find(|found| found.name() == self.topic) else {
            return Ok(Vec::new());
        };
        match found.error().map(RDKafkaErrorCode::from) {
            None | Some(RDKafkaErrorCode::LeaderNotAvailable) => {
                let partitions = found.partitions().iter().map(MetadataPartition::id);
                let mut partitions: Vec<i32> = partitions.collect();
                partitions.sort_unstable();
                Ok(partitions)
            }
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(Vec::new()),
            Some(code) => Err(self.failed(&KafkaError::MetadataFetch(code))),
        }
    }

    /// The offset of the oldest record of a partition, and the one that the next record will have.
    pub(super) fn ends(&self, partition: i32) -> Result<(i64, i64), TransportError> {
        let ends = self
            .client
            .fetch_watermarks(&self.topic, partition, SILENCE);
        ends.map_err(|error| self.failed(&error))
    }

    /// Calls `visit` for what a partition has from an offset on, until that has enough.
    pub(super) fn scan(
        &self,
        partition: i32,
        from: i64,
        visit: &mut dyn FnMut(&BorrowedMessage<'_>) -> ControlFlow<()>,
    ) -> Result<(), TransportError> {
        let (low, high) = self.ends(partition)?;
        let from = from.max(low);
        if from >= high {
            return Ok(());
        }
        let mut at = TopicPartitionList::new();
        at.add_partition_offset(&self.topic, partition, Offset::Offset(from))
            .and_then(|()| self.client.assign(&at))
            .map_err(|error| self.failed(&error))?;
        let mut heard = Instant::now();
        loop {
            match self.client.poll(SLICE) {
                Some(Ok(record)) => {
                    heard = Instant::now();
                    let offset = record.offset();
                    if record.partition() != partition {
                        continue;
                    }
                    if offset >= high || visit(&record).is_break() || offset + 1 >= high {
                        return Ok(());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => match client::failed("", &error) {
                    // It tries again by itself.
                    TransportError::Unreachable(_) => {}
                    _ => return Err(self.failed(&error)),
                },
                None => {}
            }
            if heard.elapsed() >= SILENCE {
                return Err(TransportError::Unreachable(format!(
                    "reading the topic `{}`: no answer within {SILENCE:?}",
                    self.topic
                )));
            }
        }
    }

    fn failed(&self, error: &KafkaError) -> TransportError {
        client::failed(&format!("reading the topic `{}`", self.topic), error)
    }
}
