//! From where a partition is read.

use super::member::{Member, offset};
use super::wake::Id;
use crate::transport::{Position, TransportError};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

impl Member {
    /// Begins with the partitions that nothing holds up any more.
    pub(super) fn begin(&mut self) {
        for id in std::mem::take(&mut self.not_begun) {
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            if let Some(from) = partition.take_again() {
                let (topic, number) = (Arc::clone(&partition.wire_topic), partition.number);
                let to = Offset::Offset(offset(from));
                // Not waited for: what was fetched before is not delivered any more.
                if let Err(error) = self.consumer.seek(&topic, number, to, Duration::ZERO) {
                    self.refuse(&TransportError::Refused(format!(
                        "the partition {topic}/{number} cannot be read again from offset {from}: {error}; start the \
                         process anew"
                    )));
                    return;
                }
            }
            if !partition.begin(&self.intake) {
                self.not_begun.push(id);
            }
        }
    }

    /// What the broker has in this partition is not what was delivered before: all that is not settled is read again,
    /// and what comes from `from` on.
    pub(super) fn read_again(&mut self, id: Id, from: Position) {
        let Some(partition) = self.partitions.get_mut(&id) else {
            return;
        };
        let from = partition.read_again(from);
        crate::observe::warning!(
            source = partition.name(),
            "Kafka delivers from an earlier offset again, since the log was cut or made anew: all from {from} is handled, \
             also what was handled before"
        );
        self.not_begun.push(id);
        // The group's offset may be beyond the end of the log. The client alone would commit that again, and no lower
        // one ever after: it is stored first. It is this member's partition, as long as no rebalance is answered.
        let mut offsets = TopicPartitionList::new();
        let added = offsets.add_partition_offset(
            &partition.wire_topic,
            partition.number,
            Offset::Offset(offset(from)),
        );
        debug_assert!(added.is_ok(), "{added:?}");
        let committed = self
            .consumer
            .store_offsets(&offsets)
            .and_then(|()| self.consumer.commit(&offsets, CommitMode::Async));
        if let Err(error) = committed {
            crate::observe::warning!(
                group = &*self.group,
                "the offset {from} was not committed: {error}"
            );
        }
    }
}
