//! Partitions that come, and partitions that go.

use super::context::{Change, Rebalance, answer};
use super::member::Member;
use super::partition::{Partition, Place, source_name};
use super::wake::{Bell, Id};
use crate::transport::kafka::native;
use crate::transport::{Epoch, Revoke, TransportError};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long handlers have to end that are cancelled. Only one that blocks its thread needs so long; until it has ended
/// its key would run in two places, so the group waits for it, but not for ever.
const CANCEL: Duration = Duration::from_secs(5);

/// How long the group is asked at first where it stands, and how long it is left alone where it has not answered. It is
/// asked twice as long each time after that, since its server may be far away, or have much to do.
const ASK: Duration = Duration::from_millis(250);
/// How long at most: nothing else is done meanwhile.
const LONGEST_ASK: Duration = Duration::from_secs(2);

/// Partitions that the group has assigned, until it has said from where they are read. It waits for the answer.
pub(super) struct Arriving {
    partitions: TopicPartitionList,
    /// When the group is asked, and for how long.
    ask_at: Instant,
    ask_for: Duration,
}

/// Partitions that the group wants back, until what runs of them has ended. The rest of the group waits.
pub(super) struct Leaving {
    partitions: TopicPartitionList,
    ids: Vec<Id>,
    /// When what still runs is cancelled.
    deadline: Instant,
    is_cancelled: bool,
}

impl Member {
    /// Answers what the group has said.
    pub(super) fn rebalance(&mut self) {
        while let Some(Rebalance { what, partitions }) = self.context().next_rebalance() {
            self.arrive_now();
            match what {
                Change::Assigned if self.is_closing => self.assigned(&partitions),
                Change::Assigned => {
                    self.arriving = Some(Arriving {
                        partitions,
                        ask_at: Instant::now(),
                        ask_for: ASK,
                    });
                    self.arrive();
                }
                Change::Revoked if self.is_closing => self.let_go(&partitions, Revoke::Cancel),
                Change::Revoked => self.begin_to_leave(partitions),
                Change::Lost => self.let_go(&partitions, Revoke::Lost),
            }
        }
    }

    /// Takes what the group has assigned, as soon as it has said where it stands.
    ///
    /// The client would ask by itself. But when it hears that the group has another coordinator by now, as after a
    /// restart of the server, it does not ask again, and the partitions stand still for ever:
    /// <https://github.com/confluentinc/librdkafka/issues/5586>.
    pub(super) fn arrive(&mut self) {
        let now = Instant::now();
        let Some(arriving) = self.arriving.as_ref().filter(|it| it.ask_at <= now) else {
            return;
        };
        match self.positions(&arriving.partitions, arriving.ask_for) {
            Ok(partitions) => {
                self.arriving = None;
                self.assigned(&partitions);
            }
            Err(error) => {
                if let Some(arriving) = &mut self.arriving {
                    arriving.ask_at = Instant::now() + ASK;
                    let asked_for = arriving.ask_for;
                    arriving.ask_for = (asked_for * 2).min(LONGEST_ASK);
                    // The client says nothing of it by itself, and its error speaks of metadata.
                    let code = error.rdkafka_error_code();
                    let code = code.map_or_else(|| error.to_string(), |code| code.to_string());
                    let why = format!("the group does not say where it stands: {code}");
                    if asked_for < LONGEST_ASK && arriving.ask_for == LONGEST_ASK {
                        crate::observe::warning!(
                            group = &*self.group,
                            "{why}; it is asked again and again, and until then nothing is read of {}",
                            shown(&arriving.partitions)
                        );
                    }
                    self.context().note(why);
                }
                self.trouble(&error);
            }
        }
    }

    /// Takes what the group has assigned, wherever it stands: the client asks for it.
    pub(super) fn arrive_now(&mut self) {
        if let Some(arriving) = self.arriving.take() {
            self.assigned(&arriving.partitions);
        }
    }

    /// The partitions, each with the offset from which it is read.
    fn positions(
        &self,
        partitions: &TopicPartitionList,
        ask_for: Duration,
    ) -> KafkaResult<TopicPartitionList> {
        if partitions.count() == 0 {
            return Ok(partitions.clone());
        }
        let committed = self
            .consumer
            .committed_offsets(partitions.clone(), ask_for)?;
        for mut element in committed.elements() {
            element.error()?;
            if element.offset() == Offset::Invalid {
                // The group has none yet.
                element.set_offset(Offset::Beginning)?;
            }
        }
        Ok(committed)
    }

    fn assigned(&mut self, partitions: &TopicPartitionList) {
        self.epoch = native::generation(&self.consumer)
            .and_then(|generation| Epoch::try_from(generation).ok())
            .unwrap_or(self.epoch + 1);
        let replays = self.names.replay_topic(&self.group);
        for element in partitions.elements() {
            let (wire_topic, number) = (element.topic(), element.partition());
            let Some(topic) = self.topics.get(wire_topic).cloned() else {
                // Nothing else is subscribed.
                crate::observe::error!(wire_topic, "Kafka assigned a topic that was not asked for");
                continue;
            };
            let Some(queue) = self.consumer.split_partition_queue(wire_topic, number) else {
                // Only for a name with a NUL byte, or a partition that the client does not know, which it does.
                crate::observe::error!(
                    topic = &*topic,
                    number,
                    "Kafka's client has no such partition"
                );
                continue;
            };
            let name = source_name(&topic, number);
            let (former, others): (Vec<_>, Vec<_>) = std::mem::take(&mut self.former)
                .into_iter()
                .filter(|former| !former.is_drained())
                .partition(|former| former.name() == name);
            self.former = others;
            let id = self.next_id;
            self.next_id += 1;
            let wire_topic: Arc<str> = wire_topic.into();
            let bell = Bell::new(id, Arc::clone(&self.wake));
            let key = (Arc::clone(&wire_topic), number);
            let place = Place {
                is_replays: *wire_topic == *replays,
                topic,
                number,
                wire_topic,
            };
            let partition = Partition::new(place, self.epoch, bell, queue, former);
            self.ids.insert(key, id);
            self.partitions.insert(id, partition);
            self.not_begun.push(id);
        }
        // Their queues are there before the client fetches.
        match answer(&self.consumer, Change::Assigned, partitions) {
            // Each member hears of each rebalance.
            Ok(()) if partitions.count() == 0 => {
                tracing::debug!(
                    group = &*self.group,
                    generation = self.epoch,
                    "assigned nothing more"
                );
            }
            Ok(()) => tracing::info!(
                group = &*self.group,
                generation = self.epoch,
                "assigned {} partitions: {}",
                partitions.count(),
                shown(partitions)
            ),
            Err(error) => self.not_answered(&error),
        }
        self.intake.unassigned(false);
        self.begin();
        self.has_joined();
    }

    /// The client did not take what the group wants: the group would wait for it.
    fn not_answered(&mut self, error: &KafkaError) {
        if self.is_closing {
            tracing::debug!(group = &*self.group, "while the client ends: {error}");
        } else {
            self.refuse(&TransportError::Refused(format!(
                "the rebalance of group `{}` was not taken: {error}; start the process anew",
                self.group
            )));
        }
    }

    /// What runs may end; nothing starts any more.
    fn begin_to_leave(&mut self, partitions: TopicPartitionList) {
        // A later word of the group replaces an earlier one, whose partitions are among it, or are gone.
        self.leave_now();
        let ids = self.ids_of(&partitions);
        for id in &ids {
            if let Some(partition) = self.partitions.get_mut(id) {
                partition.leave();
                partition.revoke(Revoke::Drain);
            }
        }
        self.leaving = Some(Leaving {
            partitions,
            ids,
            deadline: Instant::now() + self.options.revoke_drain,
            is_cancelled: false,
        });
        self.go_on_leaving();
    }

    /// Gives partitions up as soon as nothing of them runs, and at the deadline cancels what does.
    pub(super) fn go_on_leaving(&mut self) {
        let Some(leaving) = &mut self.leaving else {
            return;
        };
        let owned = || leaving.ids.iter().filter_map(|id| self.partitions.get(id));
        let runs = owned().any(|partition| !partition.is_drained());
        let now = Instant::now();
        if runs && now < leaving.deadline {
            return;
        }
        if runs && !leaving.is_cancelled {
            owned().for_each(|partition| partition.revoke(Revoke::Cancel));
            leaving.is_cancelled = true;
            leaving.deadline = now + CANCEL;
            crate::observe::warning!(
                group = &*self.group,
                "handlers were cancelled after `revoke_drain`, {:?}, since their partitions go to another member; raise it \
                 if handlers take longer: {}",
                self.options.revoke_drain,
                shown(&leaving.partitions)
            );
            return;
        }
        self.leave_now();
    }

    /// Gives up what is leaving, whether something of it still runs or not.
    pub(super) fn leave_now(&mut self) {
        if let Some(leaving) = self.leaving.take() {
            self.let_go(&leaving.partitions, Revoke::Cancel);
        }
    }

    pub(super) fn leaving_deadline(&self) -> Option<Instant> {
        self.leaving.as_ref().map(|leaving| leaving.deadline)
    }

    /// Gives partitions up now. What is settled of them is committed, unless they are lost.
    fn let_go(&mut self, partitions: &TopicPartitionList, how: Revoke) {
        if how == Revoke::Lost {
            // Whatever was leaving is lost with the rest.
            self.leaving = None;
        }
        let ids = self.ids_of(partitions);
        for id in &ids {
            if let Some(partition) = self.partitions.get_mut(id) {
                partition.leave();
                partition.revoke(how);
            }
        }
        if how != Revoke::Lost {
            self.store(&ids);
        }
        let given_up = answer(&self.consumer, Change::Revoked, partitions);
        for id in ids {
            let Some(partition) = self.partitions.remove(&id) else {
                continue;
            };
            let key = (Arc::clone(&partition.wire_topic), partition.number);
            self.ids.remove(&key);
            partition.purge();
            let running = partition.sources().filter(|source| !source.is_drained());
            self.former.extend(running.cloned());
        }
        if let Err(error) = given_up {
            self.not_answered(&error);
        }
        let (group, count) = (&*self.group, partitions.count());
        if how == Revoke::Lost {
            self.intake.unassigned(true);
            crate::observe::warning!(
                group,
                "lost {count} partitions: {}; what was not committed of them is handled again, here or by another process",
                shown(partitions)
            );
        } else {
            tracing::info!(group, "gave up {count} partitions: {}", shown(partitions));
        }
    }

    fn ids_of(&self, partitions: &TopicPartitionList) -> Vec<Id> {
        let id = |topic: &str, number| self.ids.get(&(Arc::from(topic), number)).copied();
        let elements = partitions.elements();
        let ids = elements
            .iter()
            .filter_map(|element| id(element.topic(), element.partition()));
        ids.collect()
    }
}

/// The partitions by topic: `orders 0 1 2, payments 4`.
fn shown(partitions: &TopicPartitionList) -> String {
    let mut topics = BTreeMap::<String, Vec<i32>>::new();
    for element in partitions.elements() {
        let numbers = topics.entry(element.topic().to_owned()).or_default();
        numbers.push(element.partition());
    }
    let topics = topics.into_iter().map(|(topic, mut numbers)| {
        numbers.sort_unstable();
        let numbers = numbers.iter().map(|number| format!(" {number}"));
        topic + &numbers.collect::<String>()
    });
    topics.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_by_topic() {
        let mut partitions = TopicPartitionList::new();
        assert_eq!(shown(&partitions), "");
        for (topic, number) in [("b", 3), ("a", 1), ("a", 0)] {
            partitions.add_partition(topic, number);
        }
        assert_eq!(shown(&partitions), "a 0 1, b 3");
    }
}
