//! The dead letters of a group: read and removed.

use super::client::{self, Connection, Plain};
use super::native;
use super::options::KafkaOptions;
use super::reader::Reader;
use super::wire;
use crate::event::Message;
use crate::transport::{Letter, Position, TransportError};
use futures_util::FutureExt;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

/// The most bytes of what is read in one go, but for one larger dead letter.
const BYTES: usize = 8 << 20;
/// The bits of a position that are the offset; those above are the partition, of which the bus makes one.
const OFFSET: u32 = 48;

/// How long the cluster may take to cut a topic.
const CUTTING: Duration = Duration::from_secs(10);
/// When to look again.
const AGAIN: Duration = Duration::from_millis(10);

/// The dead letters of a group, as far as they are not resolved. Each call blocks, but not for long.
///
/// A record of a log cannot be taken out. So a dead letter that was replayed or purged is named in a compacted topic, as
/// `<partition>/<offset>` with the time of its record in milliseconds, without which a topic that was made anew would
/// begin with dead letters that count as resolved. The front of the log is cut as far as all in it is resolved.
pub(super) struct DeadLetters {
    pub(super) options: Arc<KafkaOptions>,
    pub(super) connection: Arc<Connection>,
    pub(super) topic: String,
    /// The topic of those that are resolved.
    pub(super) resolved: String,
}

/// The times of the records that are resolved.
type Resolved = HashMap<Position, i64>;

impl DeadLetters {
    /// Those from a position on, at most `limit`.
    pub(super) fn read(&self, from: Position, limit: usize) -> Result<Vec<Letter>, TransportError> {
        let mut letters = Vec::new();
        if limit == 0 {
            return Ok(letters);
        }
        let (first, offset) = place(from);
        let reader = self.reader(&self.topic)?;
        let resolved = self.resolved()?;
        let name: Arc<str> = self.topic.as_str().into();
        let mut bytes = 0;
        for partition in reader.partitions()? {
            let from = if partition == first { offset } else { 0 };
            if partition < first || letters.len() >= limit || bytes >= BYTES {
                continue;
            }
            reader.scan(partition, from, &mut |record| {
                if is_resolved(&resolved, record) {
                    return ControlFlow::Continue(());
                }
                let message = letter(&name, record);
                bytes += message.size();
                letters.push(Letter::new(position(partition, record.offset()), message));
                if letters.len() >= limit || bytes >= BYTES {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(letters)
    }

    /// Where the newest record is.
    pub(super) fn newest(&self) -> Result<Option<Position>, TransportError> {
        let reader = self.reader(&self.topic)?;
        let mut newest = None;
        for partition in reader.partitions()? {
            let (low, high) = reader.ends(partition)?;
            if low < high {
                newest = Some(position(partition, high - 1));
            }
        }
        Ok(newest)
    }

    /// Whether there is a topic for them.
    pub(super) fn are_there(&self) -> Result<bool, TransportError> {
        Ok(!self.reader(&self.topic)?.partitions()?.is_empty())
    }

    /// Cuts the front of the log, as far as all in it is resolved. Returns of which records there is nothing to say any
    /// more, since they are gone.
    pub(super) fn cut(&self) -> Result<Vec<String>, TransportError> {
        let reader = self.reader(&self.topic)?;
        let resolved = self.resolved()?;
        let mut to = TopicPartitionList::new();
        let mut first = BTreeMap::new();
        for partition in reader.partitions()? {
            let (low, _) = reader.ends(partition)?;
            let mut left = low;
            reader.scan(partition, low, &mut |record| {
                if !is_resolved(&resolved, record) {
                    return ControlFlow::Break(());
                }
                left = record.offset() + 1;
                ControlFlow::Continue(())
            })?;
            first.insert(partition, left);
            if left > low {
                to.add_partition_offset(&self.topic, partition, Offset::Offset(left))
                    .map_err(|error| self.failed(&error))?;
            }
        }
        if to.count() > 0 {
            self.delete(&to)?;
        }
        let is_gone = |position: &&Position| {
            let (partition, offset) = place(**position);
            first.get(&partition).is_some_and(|first| offset < *first)
        };
        Ok(resolved
            .keys()
            .filter(is_gone)
            .map(|gone| key(*gone))
            .collect())
    }

    fn delete(&self, to: &TopicPartitionList) -> Result<(), TransportError> {
        let admin: AdminClient<Plain> = client::settings(&self.options)
            .create_with_context(Plain(Arc::clone(&self.connection)))
            .map_err(|error| self.failed(&error))?;
        let options = AdminOptions::new()
            .request_timeout(Some(CUTTING))
            .operation_timeout(Some(CUTTING));
        let mut deleting = pin!(admin.delete_records(to, &options));
        // The client answers by its timeouts at the latest.
        let deleted = loop {
            match deleting.as_mut().now_or_never() {
                Some(deleted) => break deleted.map_err(|error| self.failed(&error))?,
                None => thread::sleep(AGAIN),
            }
        };
        let failed = deleted
            .elements()
            .into_iter()
            .find_map(|of| of.error().err());
        failed.map_or(Ok(()), |error| Err(self.failed(&error)))
    }

    /// What is resolved.
    fn resolved(&self) -> Result<Resolved, TransportError> {
        let reader = self.reader(&self.resolved)?;
        let mut resolved = Resolved::new();
        for partition in reader.partitions()? {
            reader.scan(partition, 0, &mut |record| {
                let text = |bytes| std::str::from_utf8(bytes).ok();
                let at = record.key().and_then(text).and_then(named);
                let time = record.payload().and_then(text);
                match (at, time.and_then(|time| time.parse().ok())) {
                    (Some(at), Some(time)) => drop(resolved.insert(at, time)),
                    (Some(at), None) => drop(resolved.remove(&at)),
                    (None, _) => {}
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(resolved)
    }

    fn reader(&self, topic: &str) -> Result<Reader, TransportError> {
        Reader::open(&self.options, &self.connection, topic)
    }

    fn failed(&self, error: &KafkaError) -> TransportError {
        client::failed(&format!("the topic `{}`", self.topic), error)
    }
}

/// How the topic of those that are resolved names a dead letter, and what it says of it.
pub(super) fn resolved(letter: &Letter) -> (String, String) {
    let since = letter.message.time.duration_since(UNIX_EPOCH);
    let time = since.unwrap_or_default().as_millis();
    (key(letter.position), time.to_string())
}

fn is_resolved(resolved: &Resolved, record: &BorrowedMessage<'_>) -> bool {
    let at = position(record.partition(), record.offset());
    let time = record.timestamp().to_millis().unwrap_or_default();
    resolved.get(&at) == Some(&time.max(0))
}

fn key(position: Position) -> String {
    let (partition, offset) = place(position);
    format!("{partition}/{offset}")
}

fn named(key: &str) -> Option<Position> {
    let (partition, offset) = key.split_once('/')?;
    Some(position(partition.parse().ok()?, offset.parse().ok()?))
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

/// How the record at an offset is named.
fn position(partition: i32, offset: i64) -> Position {
    let part = |number: i64| Position::try_from(number).unwrap_or_default();
    part(partition.into()) << OFFSET | part(offset)
}

/// Where the record of a name is.
fn place(position: Position) -> (i32, i64) {
    let partition = i32::try_from(position >> OFFSET).unwrap_or(i32::MAX);
    let offset = position & ((1 << OFFSET) - 1);
    (partition, i64::try_from(offset).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_a_partition_and_an_offset() {
        assert_eq!(position(0, 42), 42);
        for named in [(0, 0), (0, 1 << 40), (3, 42)] {
            assert_eq!(place(position(named.0, named.1)), named);
        }
        assert!(position(0, i64::MAX >> 16) < position(1, 0));
        assert_eq!(place(Position::MAX).0, 65_535);
        assert_eq!(key(position(3, 42)), "3/42");
        assert_eq!(named("3/42"), Some(position(3, 42)));
        assert_eq!(named("42"), None);
    }
}
