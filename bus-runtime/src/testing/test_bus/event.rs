//! What a handler did with an event.

use crate::codec::{FromPayload, Rejection};
use crate::delivery::DeadReason;
use crate::event::{Event, EventId, Headers, Key, Message};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One event at one handler, and what became of it there: a topic that two groups handle has two of each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TestEvent {
    /// The handler's path.
    pub handler: &'static str,
    /// The handler's group, by its full name.
    pub group: Arc<str>,
    /// The topic.
    pub topic: Arc<str>,
    /// The key by which the handler orders the event.
    pub key: Key,
    /// The event's id.
    pub id: EventId,
    /// The event's headers.
    pub headers: Headers,
    /// The event's bytes; [`decode`](Self::decode) reads them.
    pub payload: Bytes,
    /// Attempts that began.
    pub attempts: u32,
    /// The attempts that failed and were to be followed by another, in order. What the last attempt failed by is in
    /// the [`outcome`](Self::outcome).
    pub failures: Vec<Failure>,
    /// What became of it.
    pub outcome: TestOutcome,
}

/// An attempt that failed and was to be followed by another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// What the handler said, or that it panicked or ran out of time.
    pub error: String,
    /// How long the event waits for its next attempt. Exactly what [`Retry`](crate::Retry) says: on a
    /// [`TestBus`](super::TestBus) waits do not vary.
    pub again_after: Duration,
}

/// What became of an event at a handler.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestOutcome {
    /// Its handler runs.
    Running,
    /// It failed and waits for its next attempt.
    Waiting,
    /// It was handled.
    Handled,
    /// The handler skipped it.
    Skipped,
    /// It is a dead letter, which is stored.
    Dead {
        /// Why it is one.
        reason: DeadReason,
        /// What the last attempt failed by.
        error: String,
    },
    /// It was given back to the broker unsettled, as a shutdown does with what it cannot wait for.
    Released,
}

impl TestEvent {
    /// The event, as its type carries it: `Json(order)`.
    ///
    /// # Panics
    ///
    /// When it is an event of another topic, or its bytes are no such event.
    #[must_use]
    #[track_caller]
    pub fn decode<E: Event<Wire: FromPayload<Event = E>>>(&self) -> E::Wire {
        assert!(
            *self.topic == *E::TOPIC.name(),
            "this event is of topic `{}`, and `{}` is of `{}`",
            self.topic,
            std::any::type_name::<E>(),
            E::TOPIC
        );
        let (topic, payload) = (Arc::clone(&self.topic), self.payload.clone());
        let mut message = Message::new(topic, self.key.clone(), payload);
        message.headers = self.headers.clone();
        decoded_one::<E>(&message)
    }
}

/// The events of `E`'s topic that messages carry.
#[track_caller]
pub(in crate::testing) fn decoded<E: Event<Wire: FromPayload<Event = E>>>(
    messages: &[Message],
) -> Vec<E::Wire> {
    let mut events = Vec::new();
    // Not by an iterator's closure, whose place would be that of the panic.
    for message in messages {
        if *message.topic == *E::TOPIC.name() {
            events.push(decoded_one::<E>(message));
        }
    }
    events
}

#[track_caller]
fn decoded_one<E: Event<Wire: FromPayload<Event = E>>>(message: &Message) -> E::Wire {
    let decoded: Result<E::Wire, Rejection> = E::Wire::from_payload(message);
    match decoded {
        Ok(event) => event,
        Err(rejection) => panic!(
            "an event of `{}` with key {} cannot be decoded: {rejection}",
            message.topic, message.key
        ),
    }
}

/// One line for people: `orders.placed c-7 at shop::reserve: handled, attempt 2`.
impl fmt::Display for TestEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TestEvent {
            topic,
            key,
            handler,
            attempts,
            outcome,
            ..
        } = self;
        write!(
            f,
            "{topic} {key} at {handler}: {outcome}, attempt {attempts}"
        )?;
        match self.failures.last() {
            Some(last) if *outcome == TestOutcome::Waiting => {
                let after = humantime::format_duration(last.again_after);
                write!(f, ", again after {after}: {}", last.error)
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for TestOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TestOutcome::Running => f.write_str("running"),
            TestOutcome::Waiting => f.write_str("waiting"),
            TestOutcome::Handled => f.write_str("handled"),
            TestOutcome::Skipped => f.write_str("skipped"),
            TestOutcome::Dead { reason, error } => write!(f, "dead ({reason}: {error})"),
            TestOutcome::Released => f.write_str("released"),
        }
    }
}
