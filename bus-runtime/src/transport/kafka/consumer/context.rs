//! What the client calls while it is polled.

use crate::transport::kafka::client::{self, Calls, Connection};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{ClientContext, TopicPartitionList};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The group's word about partitions: nothing is assigned or given up before the thread answers it.
#[derive(Debug)]
pub(super) struct Rebalance {
    pub(super) what: Change,
    pub(super) partitions: TopicPartitionList,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assigned,
    Revoked,
    /// Revoked, and somebody else may own them already.
    Lost,
}

/// What the client calls while it is polled. It only notes: what follows from it is the thread's to do.
#[derive(Debug)]
pub(super) struct Context {
    connection: Arc<Connection>,
    group: Arc<str>,
    rebalances: Mutex<VecDeque<Rebalance>>,
    /// Why the last commit failed, if it did.
    commit: Mutex<Option<KafkaError>>,
    /// What was said last of what went wrong.
    reason: Mutex<Option<String>>,
    pub(super) calls: Calls,
    /// Nobody takes rebalances any more: they are answered here.
    answers: AtomicBool,
}

impl Context {
    pub(super) fn new(connection: Arc<Connection>, group: Arc<str>) -> Self {
        Context {
            connection,
            group,
            rebalances: Mutex::default(),
            commit: Mutex::default(),
            reason: Mutex::default(),
            calls: Calls::default(),
            answers: AtomicBool::new(false),
        }
    }

    /// The oldest rebalance that was not taken yet.
    pub(super) fn next_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// Why the last commit failed, if it did.
    pub(super) fn failed_commit(&self) -> Option<KafkaError> {
        lock(&self.commit).clone()
    }

    /// What was said last of what went wrong.
    pub(super) fn reason(&self) -> Option<String> {
        lock(&self.reason).clone()
    }

    /// What goes wrong, where the client does not say it.
    pub(super) fn note(&self, reason: String) {
        *lock(&self.reason) = Some(reason);
    }

    /// From now on rebalances are answered as they come: without that the client would wait for ever at its end.
    pub(super) fn answer_at_once(&self) {
        self.answers.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.calls.add_one();
        client::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.calls.add_one();
        self.note(reason.to_owned());
        self.connection.heard(&error, reason);
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        self.calls.add_one();
        let what = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assigned,
            _ if consumer.assignment_lost() => Change::Lost,
            _ => Change::Revoked,
        };
        if !self.answers.load(Ordering::Relaxed) {
            lock(&self.rebalances).push_back(Rebalance {
                what,
                partitions: partitions.clone(),
            });
        } else if let Err(error) = answer(consumer, what, partitions) {
            tracing::debug!(group = &*self.group, "while the client ends: {error}");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        self.calls.add_one();
        let error = result.err();
        // Nothing new was stored since the last commit.
        let error =
            error.filter(|error| error.rdkafka_error_code() != Some(RDKafkaErrorCode::NoOffset));
        if let Some(error) = &error {
            tracing::debug!(group = &*self.group, "{error}; committed again later");
        }
        *lock(&self.commit) = error;
    }
}

/// Assigns partitions, or gives them up, as the group wants.
pub(super) fn answer(
    consumer: &BaseConsumer<Context>,
    what: Change,
    partitions: &TopicPartitionList,
) -> KafkaResult<()> {
    match (consumer.rebalance_protocol(), what) {
        (RebalanceProtocol::Cooperative, Change::Assigned) => {
            consumer.incremental_assign(partitions)
        }
        (RebalanceProtocol::Cooperative, _) => consumer.incremental_unassign(partitions),
        (_, Change::Assigned) => consumer.assign(partitions),
        (_, _) => consumer.unassign(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
