//! What the NATS transport is told.

use crate::bus::Provision;
use std::fmt;
use std::time::Duration;

/// What the NATS transport is told.
#[derive(Clone)]
pub(crate) struct NatsOptions {
    /// The servers to begin with, as `host:port` or `nats://[user:password@]host[:port]`; others of the
    /// cluster are learnt from them.
    pub(crate) servers: Vec<String>,
    /// The stream's name, and the first token of its subjects.
    pub(crate) namespace: String,
    /// Who makes streams and consumers.
    pub(crate) provision: Provision,
    /// How many partitions a new stream has.
    pub(crate) partitions: u32,
    /// How long a new stream keeps events.
    pub(crate) max_age: Duration,
    /// How many servers keep a new stream; all of them, at most three, if not said.
    pub(crate) replicas: Option<usize>,
    /// After how long without a sign of life the server delivers an event again.
    pub(crate) ack_wait: Duration,
    /// How long the first connection may take.
    pub(crate) connect_timeout: Duration,
    /// The latest time for an acknowledgement.
    pub(crate) commit_interval: Duration,
    /// The most events that the bus holds.
    pub(crate) max_held: usize,
    /// The most events between the oldest unsettled and the newest taken.
    pub(crate) window: usize,
    /// The connection's name, as the server shows it.
    pub(crate) name: String,
}

impl NatsOptions {
    /// The servers without user and password, for logs and errors.
    pub(super) fn servers_shown(&self) -> String {
        let shown: Vec<&str> = self
            .servers
            .iter()
            .map(|server| without_secrets(server))
            .collect();
        shown.join(", ")
    }
}

/// A server's address without scheme, user and password.
pub(super) fn without_secrets(server: &str) -> &str {
    let address = server
        .split_once("://")
        .map_or(server, |(_, address)| address);
    address
        .rsplit_once('@')
        .map_or(address, |(_, address)| address)
}

impl Default for NatsOptions {
    fn default() -> Self {
        NatsOptions {
            servers: Vec::new(),
            namespace: "events".into(),
            provision: Provision::Create,
            partitions: 16,
            max_age: Duration::from_hours(7 * 24),
            replicas: None,
            ack_wait: Duration::from_mins(5),
            connect_timeout: Duration::from_secs(30),
            commit_interval: Duration::from_millis(500),
            max_held: 1024 + 16_384 + 16_384,
            window: 65_536,
            name: "bus".into(),
        }
    }
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsOptions")
            .field("servers", &self.servers_shown())
            .field("namespace", &self.namespace)
            .field("provision", &self.provision)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(without_secrets("nats://me:s3cr@t@host:4222"), "host:4222");
        assert_eq!(without_secrets("host"), "host");
        let options = NatsOptions {
            servers: vec!["nats://me:s3cret@host".into()],
            ..NatsOptions::default()
        };
        assert!(!format!("{options:?}").contains("s3cret"));
    }
}
