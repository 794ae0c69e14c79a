//! What every client of the cluster has in common: its settings, its log, and what it says of the connection.

use super::options::KafkaOptions;
use crate::transport::{Intake, TransportError};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The settings of every client. None makes topics by asking for them: they would have the broker's default number of
/// partitions.
pub(super) fn settings(options: &KafkaOptions) -> ClientConfig {
    let mut settings = ClientConfig::new();
    settings
        .set("bootstrap.servers", options.servers.join(","))
        .set("client.id", &options.name)
        .set("allow.auto.create.topics", "false")
        // A broker that hangs is noticed, and one that is back is found, within seconds.
        .set("socket.timeout.ms", "10000")
        .set("reconnect.backoff.ms", "100")
        .set("reconnect.backoff.max.ms", "1000")
        // How soon a topic that was missing is found.
        .set("topic.metadata.refresh.interval.ms", "10000")
        .set_log_level(RDKafkaLogLevel::Info);
    settings
}

/// Whether the cluster can be reached, for the health report.
#[derive(Debug, Default)]
pub(super) struct Connection {
    reach: Mutex<Reach>,
    /// Held while listeners are told: what is told last is how it is.
    telling: Mutex<()>,
}

#[derive(Debug, Default)]
struct Reach {
    /// Why it cannot be reached.
    lost: Option<String>,
    /// What was said last of one of its servers, since the cluster answered.
    last: Option<String>,
    listeners: Vec<Intake>,
}

impl Connection {
    /// Tells this one from now on.
    pub(super) fn listen(&self, intake: Intake) {
        let is_lost = {
            let mut reach = self.lock();
            reach.listeners.push(intake);
            reach.lost.is_some()
        };
        if is_lost {
            self.tell();
        }
    }

    /// Tells nobody any more.
    pub(super) fn clear(&self) {
        self.lock().listeners.clear();
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lock().lost.is_some()
    }

    /// What was said last of a server that could not be reached, since the cluster answered.
    pub(super) fn last_fault(&self) -> Option<String> {
        self.lock().last.clone()
    }

    /// No server can be reached.
    pub(super) fn lost(&self, why: &str) {
        self.lock().lost = Some(why.to_owned());
        self.tell();
    }

    /// A server answers.
    pub(super) fn back(&self) {
        let was_lost = {
            let mut reach = self.lock();
            reach.last = None;
            reach.lost.take().is_some()
        };
        if was_lost {
            self.tell();
        }
    }

    /// Tells how it is now. Without the lock of what is told, since it is logged, and whoever writes the log may ask.
    fn tell(&self) {
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let (lost, listeners) = {
            let reach = self.lock();
            (reach.lost.clone(), reach.listeners.clone())
        };
        let lost = lost.map(TransportError::Unreachable);
        for intake in listeners {
            intake.connection(lost.as_ref());
        }
    }

    /// What a client says of the cluster.
    pub(super) fn heard(&self, error: &KafkaError, reason: &str) {
        use RDKafkaErrorCode::{
            AllBrokersDown, BrokerTransportFailure, OperationTimedOut, Resolve,
        };
        match error.rdkafka_error_code() {
            Some(AllBrokersDown) => {
                // It only counts the servers; why, it said of each before.
                let why = self.last_fault();
                self.lost(why.as_deref().unwrap_or(reason));
            }
            Some(BrokerTransportFailure | OperationTimedOut | Resolve) => {
                self.lock().last = Some(reason.to_owned());
                tracing::debug!(target: "librdkafka", "{error}: {reason}");
            }
            _ => tracing::debug!(target: "librdkafka", "{error}: {reason}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Reach> {
        self.reach.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts what a client calls while it is polled, on the thread that polls it. A poll that returns nothing may have made
/// a call, and then there may be more.
#[derive(Debug, Default)]
pub(super) struct Calls(AtomicU64);

impl Calls {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A line that librdkafka logs. It says the same of a server that is away once a second; that is in the health report,
/// so it is no warning here.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, line: &str) {
    use RDKafkaLogLevel::{Alert, Critical, Emerg, Error, Warning};
    // An offset that is not there any more, and a thread that did not poll in time, cost events their order or their
    // only handling.
    let grave = matches!(level, Emerg | Alert | Critical)
        || matches!(level, Error | Warning) && matches!(facility, "OFFSET" | "MAXPOLL");
    if grave {
        crate::observe::warning!(target: "librdkafka", "{facility}: {line}");
    } else {
        tracing::debug!(target: "librdkafka", "{facility}: {line}");
    }
}

/// What a client without callbacks of its own tells.
#[derive(Clone, Debug, Default)]
pub(super) struct Plain(pub(super) Arc<Connection>);

impl rdkafka::ClientContext for Plain {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.heard(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Plain {}

/// What the broker or the client answered, in the transport's words; `what` says what was asked.
pub(super) fn failed(what: &str, error: &KafkaError) -> TransportError {
    use RDKafkaErrorCode::{
        AllBrokersDown, BrokerTransportFailure, OperationTimedOut, RequestTimedOut, Resolve,
    };
    let text = format!("{what}: {error}");
    match error.rdkafka_error_code() {
        Some(
            AllBrokersDown | BrokerTransportFailure | OperationTimedOut | RequestTimedOut | Resolve,
        ) => TransportError::Unreachable(text),
        _ => TransportError::Refused(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_a_server_until_one_answers() {
        let connection = Connection::default();
        let heard = |code, reason| connection.heard(&KafkaError::Global(code), reason);
        heard(RDKafkaErrorCode::BrokerTransportFailure, "a:9092: refused");
        assert!(!connection.is_lost());
        heard(RDKafkaErrorCode::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(connection.lock().lost.as_deref(), Some("a:9092: refused"));
        connection.back();
        assert!(!connection.is_lost());
        assert_eq!(connection.last_fault(), None);
    }
}
