//! Makes sure that topics exist, once each.

use super::client::{self, Connection, Plain};
use super::options::KafkaOptions;
use crate::bus::Provision;
use crate::transport::TransportError;
use futures_util::FutureExt;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::Client;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::MetadataTopic;
use rdkafka::types::RDKafkaType;
use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long the cluster is asked at a time: between that, the deadline and the end are looked at.
const SLICE: Duration = Duration::from_millis(500);
/// When to look again.
const AGAIN: Duration = Duration::from_millis(10);
/// How long the cluster may take to make a topic.
const MAKING: Duration = Duration::from_secs(30);

/// A topic that is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the broker calls it.
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// What a topic is for, which says how it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Events,
    /// A group's dead letters: they never expire, and are read in their order.
    DeadLetters,
    /// Which of them were replayed or purged: the last word on each.
    Resolved,
    /// What is replayed for a group: it never expires.
    Replays,
}

/// Makes sure that topics exist, once each.
pub(super) struct Topics {
    options: Arc<KafkaOptions>,
    connection: Arc<Connection>,
    /// How many partitions each has that exists.
    known: Mutex<HashMap<String, usize>>,
    stopped: AtomicBool,
}

/// What the cluster says of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Missing,
    /// With so many partitions, of which not each can be written yet.
    Coming(usize),
    /// With so many partitions.
    Ready(usize),
}

impl Topics {
    pub(super) fn new(options: Arc<KafkaOptions>, connection: Arc<Connection>) -> Self {
        Topics {
            options,
            connection,
            known: Mutex::default(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Makes sure that all of these exist. Blocks, until the deadline.
    ///
    /// # Errors
    ///
    /// When topics are missing that may not be made, when the cluster refuses one or cannot be reached.
    pub(super) fn ensure(
        &self,
        wanted: &[Wanted],
        deadline: Instant,
    ) -> Result<(), TransportError> {
        let is_known = |wanted: &&Wanted| {
            self.options.provision == Provision::None || self.lock().contains_key(&wanted.name)
        };
        let mut unknown = wanted.iter().filter(|wanted| !is_known(wanted)).peekable();
        if unknown.peek().is_none() {
            return Ok(());
        }
        // For a moment: nobody serves its log.
        let client = self
            .client()
            .map_err(|error| client::failed("the client", &error))?;
        let mut missing = Vec::new();
        for wanted in unknown {
            match self.one(&client, wanted, deadline) {
                Ok(partitions) => drop(self.lock().insert(wanted.name.clone(), partitions)),
                Err(NotThere::Missing) => missing.push(wanted.name.as_str()),
                Err(NotThere::Failed(error)) => return Err(error),
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(not_there(&missing))
        }
    }

    /// How many partitions a topic has, as far as that is known: else as many as a new one.
    pub(super) fn partitions(&self, name: &str) -> usize {
        let known = self.lock().get(name).copied();
        known.unwrap_or_else(|| usize::try_from(self.options.partitions).unwrap_or(usize::MAX))
    }

    /// One of those that exist.
    pub(super) fn any(&self) -> Option<String> {
        self.lock().keys().next().cloned()
    }

    /// It was there, and is not any more.
    pub(super) fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    /// Ends what blocks, soon.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    fn client(&self) -> Result<Client<Plain>, KafkaError> {
        let settings = client::settings(&self.options);
        let native = settings.create_native_config()?;
        Client::new(
            &settings,
            native,
            RDKafkaType::RD_KAFKA_PRODUCER,
            Plain(Arc::clone(&self.connection)),
        )
    }

    fn one(
        &self,
        client: &Client<Plain>,
        wanted: &Wanted,
        deadline: Instant,
    ) -> Result<usize, NotThere> {
        let name = wanted.name.as_str();
        let mut made = false;
        loop {
            match self.look(client, name, deadline)? {
                Found::Ready(partitions) => return Ok(partitions),
                // It was there before: a server may be away for long.
                Found::Coming(partitions) if !made => return Ok(partitions),
                Found::Missing if self.options.provision == Provision::Verify => {
                    return Err(NotThere::Missing);
                }
                Found::Missing if !made => made = self.make(wanted, deadline)?,
                // Another server does not know it yet.
                Found::Missing | Found::Coming(_) => {}
            }
            self.pause(deadline, || {
                format!("the topic `{name}` was made, but no server shows it yet")
            })?;
        }
    }

    /// Asks until the cluster answers.
    fn look(
        &self,
        client: &Client<Plain>,
        name: &str,
        deadline: Instant,
    ) -> Result<Found, TransportError> {
        loop {
            let error = match client.fetch_metadata(Some(name), slice(deadline)) {
                Ok(metadata) => {
                    let topic = metadata.topics().iter().find(|topic| topic.name() == name);
                    let partitions = topic.map_or(&[][..], |topic| topic.partitions());
                    let ready = partitions.iter().all(|partition| partition.leader() >= 0);
                    match topic.and_then(MetadataTopic::error).map(Into::into) {
                        None if partitions.is_empty() => return Ok(Found::Missing),
                        None if ready => return Ok(Found::Ready(partitions.len())),
                        None | Some(RDKafkaErrorCode::LeaderNotAvailable) => {
                            return Ok(Found::Coming(partitions.len()));
                        }
                        Some(RDKafkaErrorCode::UnknownTopicOrPartition) => {
                            return Ok(Found::Missing);
                        }
                        Some(code) if passes(code) => KafkaError::MetadataFetch(code),
                        Some(code) => return Err(refused(name, "DESCRIBE on the topic", code)),
                    }
                }
                Err(error) => error,
            };
            let error = client::failed(&format!("looking at the topic `{name}`"), &error);
            if let TransportError::Refused(_) = error {
                return Err(error);
            }
            self.pause(deadline, || match self.connection.last_fault() {
                Some(fault) => format!("looking at the topic `{name}`: {fault}"),
                None => error.to_string(),
            })?;
        }
    }

    /// Whether it is there now, as far as the server that made it knows. Not, when it has to be tried again.
    fn make(&self, wanted: &Wanted, deadline: Instant) -> Result<bool, TransportError> {
        let name = wanted.name.as_str();
        let asked = format!("making the topic `{name}`");
        let plain = Plain(Arc::clone(&self.connection));
        let settings = client::settings(&self.options);
        let admin: AdminClient<Plain> = settings
            .create_with_context(plain)
            .map_err(|error| client::failed(&asked, &error))?;
        let partitions = match wanted.kind {
            Kind::Events => i32::try_from(self.options.partitions).unwrap_or(i32::MAX),
            // Of replays too: the group shares their partitions out with those of the events, and as many again would
            // leave a member with nothing but replays.
            Kind::DeadLetters | Kind::Resolved | Kind::Replays => 1,
        };
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(-1));
        let topic = match wanted.kind {
            Kind::Events => topic,
            Kind::DeadLetters | Kind::Replays => topic
                .set("cleanup.policy", "delete")
                .set("retention.ms", "-1"),
            Kind::Resolved => topic.set("cleanup.policy", "compact"),
        };
        let left = Some(left(deadline).min(MAKING));
        let options = AdminOptions::new()
            .request_timeout(left)
            .operation_timeout(left);
        let mut making = pin!(admin.create_topics([&topic], &options));
        let answer = loop {
            // Asked for, since the deadline and the end are looked at too.
            match making.as_mut().now_or_never() {
                Some(answer) => break answer,
                None => self.pause(deadline, || format!("{asked}: no answer"))?,
            }
        };
        let code = match answer {
            Ok(results) => match results.into_iter().next() {
                Some(Err((_, code))) => code,
                _ => RDKafkaErrorCode::NoError,
            },
            Err(error) => match error.rdkafka_error_code() {
                Some(code) if passes(code) => code,
                _ => return Err(client::failed(&asked, &error)),
            },
        };
        match code {
            RDKafkaErrorCode::NoError => {
                tracing::info!(topic = name, partitions, "made the topic");
                Ok(true)
            }
            // Somebody else was faster.
            RDKafkaErrorCode::TopicAlreadyExists => Ok(true),
            code if passes(code) => {
                tracing::debug!(topic = name, "{asked}: {code}; trying again");
                Ok(false)
            }
            code => Err(refused(name, "CREATE on the cluster or on the topic", code)),
        }
    }

    /// Waits a little; an error at the deadline, or at the end.
    fn pause(
        &self,
        deadline: Instant,
        what: impl FnOnce() -> String,
    ) -> Result<(), TransportError> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(TransportError::Closed);
        }
        let left = left(deadline);
        if left.is_zero() {
            return Err(TransportError::Unreachable(what()));
        }
        thread::sleep(AGAIN.min(left));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics")
            .field("known", &self.lock())
            .finish_non_exhaustive()
    }
}

/// Why a topic cannot be used.
#[derive(Debug)]
enum NotThere {
    /// It is missing, and may not be made.
    Missing,
    Failed(TransportError),
}

impl From<TransportError> for NotThere {
    fn from(error: TransportError) -> Self {
        NotThere::Failed(error)
    }
}

/// Topics that are missing.
pub(super) fn not_there(names: &[&str]) -> TransportError {
    let (are, them) = match names {
        [_] => ("topic is", "it"),
        _ => ("topics are", "them"),
    };
    TransportError::Refused(format!(
        "the {are} missing: `{}`; make {them}, or set `provision` to `create`",
        names.join("`, `")
    ))
}

/// Whether it may be otherwise in a moment.
fn passes(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{
        BrokerNotAvailable, BrokerTransportFailure, LeaderNotAvailable, NetworkException,
        NotController, OperationTimedOut, RequestTimedOut, ThrottlingQuotaExceeded,
    };
    matches!(
        code,
        BrokerNotAvailable
            | BrokerTransportFailure
            | LeaderNotAvailable
            | NetworkException
            | NotController
            | OperationTimedOut
            | RequestTimedOut
            | ThrottlingQuotaExceeded
    )
}

fn refused(name: &str, right: &str, code: RDKafkaErrorCode) -> TransportError {
    use RDKafkaErrorCode::{
        ClusterAuthorizationFailed, InvalidPartitions, InvalidReplicationFactor, InvalidTopic,
        PolicyViolation, TopicAuthorizationFailed,
    };
    let why = match code {
        TopicAuthorizationFailed | ClusterAuthorizationFailed => {
            format!("the client is not allowed to; it needs the right {right}")
        }
        InvalidTopic => {
            "Kafka takes no topic of this name; does another one differ from it only in `.` against `_`?".into()
        }
        InvalidPartitions => "Kafka does not take its number of partitions".into(),
        InvalidReplicationFactor => {
            "Kafka has fewer servers than its `default.replication.factor` asks for".into()
        }
        PolicyViolation => "a policy of the cluster forbids it; make the topic yourself".into(),
        code => code.to_string(),
    };
    TransportError::Refused(format!("the topic `{name}`: {why}"))
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn slice(deadline: Instant) -> Duration {
    left(deadline).clamp(Duration::from_millis(1), SLICE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_topics_are_named_with_what_to_do() {
        let one = not_there(&["orders"]).to_string();
        assert!(
            one.contains("topic is missing: `orders`; make it, or set `provision`"),
            "{one}"
        );
        let two = not_there(&["orders", "stock"]).to_string();
        assert!(
            two.contains("topics are missing: `orders`, `stock`; make them"),
            "{two}"
        );
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let refused = |code| refused("a.b", "CREATE on the topic", code).to_string();
        let name = refused(RDKafkaErrorCode::InvalidTopic);
        assert!(
            name.contains("`a.b`") && name.contains("`.` against `_`"),
            "{name}"
        );
        let right = refused(RDKafkaErrorCode::TopicAuthorizationFailed);
        assert!(
            right.contains("needs the right CREATE on the topic"),
            "{right}"
        );
    }
}
