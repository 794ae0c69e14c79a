//! What the Kafka transport is told.

use crate::bus::Provision;
use std::time::Duration;

/// What the Kafka transport is told.
#[derive(Clone, Debug)]
pub(crate) struct KafkaOptions {
    /// The servers to begin with, as `host[:port]`; others of the cluster are learnt from them.
    pub(crate) servers: Vec<String>,
    /// What stands in front of each topic and group.
    pub(crate) namespace: Option<String>,
    /// Who makes topics.
    pub(crate) provision: Provision,
    /// How many partitions a new topic has.
    pub(crate) partitions: u32,
    /// How long the first connection, and the first assignment of a group, may take.
    pub(crate) connect_timeout: Duration,
    /// The latest time for offsets.
    pub(crate) commit_interval: Duration,
    /// After how long without a sign of life a member's partitions go to others.
    pub(crate) session_timeout: Duration,
    /// How long running handlers may go on when their partition goes to another member.
    pub(crate) revoke_drain: Duration,
    /// How long the client tries to store an event.
    pub(crate) publish_timeout: Duration,
    /// The most publishes under way: from handlers, from outside of them, and dead letters.
    pub(crate) max_publishes: usize,
    /// The client's name, as the broker shows it.
    pub(crate) name: String,
}

/// Options that a test changes where it matters.
#[cfg(test)]
pub(super) fn for_test() -> KafkaOptions {
    KafkaOptions {
        servers: vec!["127.0.0.1:1".into()],
        namespace: None,
        provision: Provision::Create,
        partitions: 12,
        connect_timeout: Duration::from_secs(1),
        commit_interval: Duration::from_millis(500),
        session_timeout: Duration::from_secs(6),
        revoke_drain: Duration::from_secs(1),
        publish_timeout: Duration::from_secs(1),
        max_publishes: 1,
        name: "test".into(),
    }
}
