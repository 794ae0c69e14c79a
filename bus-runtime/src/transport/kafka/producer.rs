//! The client that publishes: its settings, what it calls, and its errors in the transport's words.

use super::client::{self, Calls};
use super::desk::Desk;
use super::native::{self, Ready};
use super::open::Due;
use super::options::KafkaOptions;
use super::topics;
use super::wire;
use crate::transport::{Receipt, TransportError};
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, DeliveryResult, Producer, ProducerContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest time that the client takes, in milliseconds: 24 days.
const LONGEST: u128 = i32::MAX as u128;

/// The settings of the client that publishes.
fn settings(options: &KafkaOptions) -> ClientConfig {
    let mut settings = client::settings(options);
    let timeout = options.publish_timeout.max(Duration::from_secs(1));
    let millis = |time: Duration| time.as_millis().min(LONGEST).to_string();
    let queue = options
        .max_publishes
        .saturating_mul(4)
        .clamp(100_000, 10_000_000);
    settings
        // Without it, a repeated attempt stores an event twice, and behind later ones.
        .set("enable.idempotence", "true")
        // Events wait for nothing but the one request on its way: those that come meanwhile are the next batch.
        .set("linger.ms", "0")
        // As Java's producers: one key, one partition, whoever publishes. Without a key, each event for itself.
        .set("partitioner", "murmur2_random")
        .set("sticky.partitioning.linger.ms", "0")
        .set("message.timeout.ms", millis(timeout))
        .set("message.max.bytes", wire::MAX_RECORD.to_string())
        .set("queue.buffering.max.messages", queue.to_string())
        // For so long the client keeps events of a topic that no server knows: its deadline should not come first.
        .set(
            "topic.metadata.propagation.max.ms",
            millis((timeout / 2).min(Duration::from_secs(5))),
        );
    settings
}

/// A client that publishes.
pub(super) fn create(
    options: &KafkaOptions,
    desk: Arc<Desk>,
) -> Result<BaseProducer<Context>, TransportError> {
    let context = Context {
        desk,
        fatal: AtomicBool::new(false),
        calls: Calls::default(),
    };
    let producer: BaseProducer<Context> = settings(options)
        .create_with_context(context)
        .map_err(|error| client::failed("the client that publishes", &error))?;
    native::tell_when_ready(&producer);
    Ok(producer)
}

/// Serves all that the client has to say.
pub(super) fn serve(producer: &BaseProducer<Context>) {
    let context = producer.context();
    loop {
        let calls = context.calls.count();
        // One thing; with a time to wait, it would wait for all of it.
        producer.poll(Duration::ZERO);
        if calls == context.calls.count() {
            return;
        }
    }
}

/// What the client calls: while it is polled, but for `ready`.
pub(super) struct Context {
    desk: Arc<Desk>,
    fatal: AtomicBool,
    calls: Calls,
}

impl Context {
    /// Whether this client publishes nothing any more.
    pub(super) fn is_fatal(&self) -> bool {
        self.fatal.load(Ordering::Relaxed)
    }

    /// It publishes nothing any more.
    pub(super) fn failed(&self) {
        self.fatal.store(true, Ordering::Relaxed);
    }
}

impl rdkafka::ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        self.calls.add_one();
        client::log(level, facility, line);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.calls.add_one();
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::Fatal) {
            crate::observe::warning!(
                "the Kafka client that publishes failed and is made anew: {reason}"
            );
            self.failed();
        }
        self.desk.connection.heard(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Due>;

    fn delivery(&self, result: &DeliveryResult<'_>, due: Box<Due>) {
        self.calls.add_one();
        let result = match result {
            Ok(_) => {
                self.desk.connection.back();
                Ok(Receipt::stored(false))
            }
            Err((error, record)) => Err(self.desk.undelivered(record.topic(), error)),
        };
        self.desk.open.answer(*due, result);
    }
}

impl Ready for Context {
    fn ready(&self) {
        self.desk.open.wake();
    }
}

/// Why an event was not stored, in the transport's words.
pub(super) fn undelivered(topic: &str, error: &KafkaError, fault: Option<&str>) -> TransportError {
    use RDKafkaErrorCode as Code;
    let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
    match code {
        Code::MessageTimedOut | Code::TimedOutQueue => unanswered(fault),
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => {
            TransportError::Unreachable(format!(
                "the topic `{topic}` has fewer replicas in sync than its `min.insync.replicas` asks for; the event may \
                 be stored"
            ))
        }
        Code::PurgeQueue | Code::PurgeInflight => TransportError::Unreachable(
            "the Kafka client failed and was made anew; the event may be stored, publish it again".into(),
        ),
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => TransportError::Refused(format!(
            "the topic `{topic}` takes no event of this size; raise its `max.message.bytes`, or publish less in one \
             event"
        )),
        Code::QueueFull => TransportError::Full(
            "the Kafka client holds as many events as it can, in number or in bytes; publish less at once, or lower \
             `publish_window`"
                .into(),
        ),
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::UnknownPartition => {
            topics::not_there(&[topic])
        }
        Code::TopicAuthorizationFailed => TransportError::Refused(format!(
            "the client may not publish to the topic `{topic}`; it needs the right WRITE on it"
        )),
        Code::ClusterAuthorizationFailed => TransportError::Refused(format!(
            "the client may not publish to the topic `{topic}`; it needs the right WRITE on it, and before Kafka 2.8 \
             the right IDEMPOTENT_WRITE on the cluster"
        )),
        Code::Fatal | Code::Fenced => TransportError::Refused(format!(
            "the topic `{topic}`: the Kafka client failed and is made anew; publish again"
        )),
        _ => client::failed(&format!("publishing to the topic `{topic}`"), error),
    }
}

/// No answer came in time.
pub(super) fn unanswered(fault: Option<&str>) -> TransportError {
    let fault = fault.map_or_else(String::new, |fault| format!(" ({fault})"));
    TransportError::Unreachable(format!(
        "no answer from Kafka for as long as the publish may take; the event may be stored{fault}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: RDKafkaErrorCode) -> TransportError {
        undelivered(
            "orders",
            &KafkaError::MessageProduction(code),
            Some("a: refused"),
        )
    }

    #[test]
    fn each_error_is_of_its_kind_and_says_what_to_do() {
        use RDKafkaErrorCode as Code;
        let timed_out = shown(Code::MessageTimedOut);
        assert!(
            matches!(&timed_out, TransportError::Unreachable(text) if text.contains("a: refused")),
            "{timed_out}"
        );
        assert!(
            matches!(shown(Code::QueueFull), TransportError::Full(text) if text.contains("publish_window"))
        );
        for (code, what) in [
            (Code::UnknownTopic, "set `provision` to `create`"),
            (Code::UnknownTopicOrPartition, "set `provision` to `create`"),
            (Code::TopicAuthorizationFailed, "the right WRITE"),
            (Code::MessageSizeTooLarge, "max.message.bytes"),
            (Code::Fatal, "made anew"),
            (Code::InvalidRecord, "publishing to the topic"),
        ] {
            let error = shown(code);
            assert!(
                matches!(&error, TransportError::Refused(text) if text.contains("`orders`") && text.contains(what)),
                "{code}: {error}"
            );
        }
        assert!(matches!(
            shown(Code::BrokerTransportFailure),
            TransportError::Unreachable(_)
        ));
        assert!(matches!(
            shown(Code::PurgeInflight),
            TransportError::Unreachable(_)
        ));
    }
}
