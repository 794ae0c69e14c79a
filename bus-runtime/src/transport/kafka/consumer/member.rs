//! The one thread of a consumer: a member of its group.

use super::context::Context;
use super::partition::{Partition, Turn, position};
use super::rebalance::{Arriving, Leaving};
use super::settings::tick;
use super::wake::{Id, Phase, Wake};
use crate::transport::kafka::client::Connection;
use crate::transport::kafka::names::Names;
use crate::transport::kafka::options::KafkaOptions;
use crate::transport::{Epoch, Intake, Leftover, Position, Source, TransportError};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Message, Offset, TopicPartitionList};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many turns partitions have before the client is polled again.
const TURNS: usize = 64;

/// A member of a group: what its thread owns.
pub(super) struct Member {
    pub(super) group: Arc<str>,
    pub(super) options: Arc<KafkaOptions>,
    pub(super) names: Names,
    pub(super) intake: Intake,
    pub(super) connection: Arc<Connection>,
    pub(super) wake: Arc<Wake>,
    /// From a topic's name at the broker to its own.
    pub(super) topics: HashMap<String, Arc<str>>,
    /// Above the client: the queues of partitions must not outlive it, and fields end in this order.
    pub(super) partitions: HashMap<Id, Partition>,
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) ids: HashMap<(Arc<str>, i32), Id>,
    pub(super) next_id: Id,
    /// The generation of the last assignment.
    pub(super) epoch: Epoch,
    pub(super) arriving: Option<Arriving>,
    pub(super) leaving: Option<Leaving>,
    /// Partitions that wait until nothing of a former ownership runs.
    pub(super) not_begun: Vec<Id>,
    /// Of partitions that were given up while handlers ran.
    pub(super) former: Vec<Source>,
    pub(super) is_closing: bool,
    /// Partitions whose turn it is.
    pub(super) due: VecDeque<Id>,
    /// Partitions of which something may be settled that is not stored, and when it is.
    pub(super) unstored: Vec<Id>,
    pub(super) store_at: Instant,
    /// Told when the group has assigned something, or why it never will.
    pub(super) joined: Option<oneshot::Sender<Result<(), TransportError>>>,
    /// The topics that the broker has refused or does not have, as logged.
    pub(super) troubled: HashSet<String>,
}

/// Whoever drops the client next waits for the answer to its last rebalance, also where the thread has panicked.
impl Drop for Member {
    fn drop(&mut self) {
        self.consumer.context().answer_at_once();
    }
}

impl Member {
    /// Runs until it is closed.
    pub(super) fn run(mut self) -> Leftover {
        let mut ready = Vec::new();
        let tick = tick(&self.options);
        loop {
            let until = if self.due.is_empty() {
                let tick = Instant::now() + tick;
                self.leaving_deadline()
                    .map_or(tick, |deadline| tick.min(deadline))
            } else {
                Instant::now()
            };
            let phase = self.wake.wait(until, &mut ready);
            if let Phase::Closing(deadline) = phase {
                return self.finish(deadline);
            }
            self.serve_client();
            self.rebalance();
            self.arrive();
            self.go_on_leaving();
            self.begin();
            for id in &ready {
                if let Some(partition) = self.partitions.get_mut(id) {
                    partition.bell.served();
                    if phase == Phase::Running && !partition.is_due {
                        partition.is_due = true;
                        self.due.push_back(*id);
                    }
                }
            }
            self.unstored.append(&mut ready);
            // Not each time: what is settled rings only once until it is read.
            let now = Instant::now();
            if now >= self.store_at {
                self.store_at = now + tick;
                let mut ids = std::mem::take(&mut self.unstored);
                ids.sort_unstable();
                ids.dedup();
                self.store(&ids);
            }
            if phase == Phase::Running {
                self.take_turns();
            } else {
                self.due.clear();
            }
        }
    }

    pub(super) fn context(&self) -> Arc<Context> {
        Arc::clone(self.consumer.context())
    }

    /// Lets the client say what it has to say, also that this member lives.
    pub(super) fn serve_client(&mut self) {
        let consumer = Arc::clone(&self.consumer);
        loop {
            let calls = consumer.context().calls.count();
            match consumer.poll(Duration::ZERO) {
                Some(Ok(message)) => {
                    // Each partition has a queue of its own from before the client fetches it.
                    let (topic, number) = (message.topic(), message.partition());
                    crate::observe::error!(
                        topic,
                        number,
                        "Kafka's client delivered past the partition's queue; read again"
                    );
                    let id = self.ids.get(&(Arc::from(topic), number)).copied();
                    if let Some(id) = id {
                        self.read_again(id, position(message.offset()));
                    }
                }
                Some(Err(error)) => self.trouble(&error),
                None if consumer.context().calls.count() == calls => return,
                None => {}
            }
        }
    }

    pub(super) fn trouble(&mut self, error: &KafkaError) {
        use RDKafkaErrorCode::{
            GroupAuthorizationFailed, InconsistentGroupProtocol, InvalidSessionTimeout,
            TopicAuthorizationFailed, UnknownTopic, UnknownTopicOrPartition,
        };
        let group = &*self.group;
        if let KafkaError::MessageConsumptionFatal(code) = error {
            self.refuse(&TransportError::Refused(format!(
                "{code}; start the process anew"
            )));
            return;
        }
        match error.rdkafka_error_code() {
            Some(GroupAuthorizationFailed) => self.refuse(&TransportError::Refused(format!(
                "this client has no right to read as the group `{}`",
                self.names.group(group)
            ))),
            Some(InvalidSessionTimeout) => self.refuse(&TransportError::Refused(format!(
                "`session_timeout`, {:?}, is outside of the broker's limits, `group.min.session.timeout.ms` and \
                 `group.max.session.timeout.ms`, which are 6 s and 30 minutes by default",
                self.options.session_timeout
            ))),
            Some(InconsistentGroupProtocol) => self.refuse(&TransportError::Refused(format!(
                "the group `{}` has members that do not assign partitions by `cooperative-sticky`; stop them, or use \
                 another group",
                self.names.group(group)
            ))),
            Some(TopicAuthorizationFailed) if self.joined.is_some() => {
                self.refuse(&TransportError::Refused(format!(
                    "this client has no right to read one of the topics {}",
                    self.topics_shown()
                )));
            }
            Some(code @ (TopicAuthorizationFailed | UnknownTopic | UnknownTopicOrPartition)) => {
                if self.troubled.insert(code.to_string()) {
                    crate::observe::warning!(
                        group,
                        "of the topics {} at least one cannot be read: {code}; it is looked for again and again",
                        self.topics_shown()
                    );
                }
            }
            // Each comes a second time by the context, where the connection is looked after.
            _ => tracing::debug!(group, "{error}"),
        }
    }

    fn topics_shown(&self) -> String {
        let mut topics: Vec<&str> = self.topics.keys().map(String::as_str).collect();
        topics.sort_unstable();
        format!("`{}`", topics.join("`, `"))
    }

    /// It cannot go on: the start fails, or the bus ends.
    pub(super) fn refuse(&mut self, error: &TransportError) {
        match self.joined.take() {
            // Nobody waits where the start was given up.
            Some(joined) => drop(joined.send(Err(error.clone()))),
            None => self.intake.fail(error),
        }
    }

    /// The group has assigned what it has to assign.
    pub(super) fn has_joined(&mut self) {
        if let Some(joined) = self.joined.take() {
            // Nobody waits where the start was given up: it is closed then.
            drop(joined.send(Ok(())));
        }
    }

    /// Takes from the partitions in turn.
    fn take_turns(&mut self) {
        for _ in 0..TURNS {
            let Some(id) = self.due.pop_front() else {
                return;
            };
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            let turn = partition.take();
            partition.is_due = turn == Turn::More;
            match turn {
                Turn::More => self.due.push_back(id),
                Turn::Over => {}
                Turn::Rewound(position) => self.read_again(id, position),
            }
        }
    }

    /// Stores the offsets that have moved; the client commits them.
    pub(super) fn store(&mut self, ids: &[Id]) {
        let mut offsets = TopicPartitionList::new();
        for id in ids {
            let Some(partition) = self.partitions.get_mut(id) else {
                continue;
            };
            let Some(next) = partition.moved() else {
                continue;
            };
            let added = offsets.add_partition_offset(
                &partition.wire_topic,
                partition.number,
                Offset::Offset(offset(next)),
            );
            // Only an offset that is negative is refused.
            debug_assert!(added.is_ok(), "{added:?}");
        }
        if offsets.count() == 0 {
            return;
        }
        // A partition that is not owned any more is refused, which is right: its next owner has its own offset.
        if let Err(error) = self.consumer.store_offsets(&offsets) {
            tracing::debug!(group = &*self.group, "offsets were not stored: {error}");
        }
    }
}

/// A position as the client counts it.
pub(super) fn offset(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
