//! The traits of a transport, and what it declares of itself.

use super::{Buried, Confirm, Intake, Outgoing, TransportError};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::Instant;

/// A boxed future, so that the traits stay object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A broker. One per bus, shared by its consumers and its publishers.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a transport",
    note = "implement `Transport`; `bus_runtime::testing::conformance` shows whether it keeps the bus's promises"
)]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// What it can do; known once it is connected.
    fn capabilities(&self) -> Capabilities;

    /// Begins the one consumer of a group, for all the group's topics, and for what is replayed for it. Resolves when
    /// each of its sources is assigned.
    ///
    /// # Errors
    ///
    /// When the broker refuses the consumer, or a topic is missing that may not be created.
    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>>;

    /// Hands an event over; never waits. `confirm` is answered exactly once, also at shutdown. How many
    /// are open is bounded by the bus. Dead letters and replays go the same way.
    fn publish(&self, outgoing: Outgoing, confirm: Confirm);

    /// The dead letters that are stored.
    fn buried(&self) -> &dyn Buried;

    /// Flushes and closes, and names what it could not close by `deadline`. No consumer is left.
    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover>;
}

/// A running consumer: what the bus asks of its loop.
pub trait Consumer: fmt::Debug + Send + Sync {
    /// Takes no more events from the broker. What is released goes back to it; acknowledging goes on.
    fn stop_intake(&self);

    /// Resolves when every event that the broker has accepted and that is lost with this process is
    /// settled: what a drain of everything waits for. At once, where the broker outlives the process.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    fn exhausted(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    /// After the drain: the last acknowledgements, then the end. Names what did not end by `deadline`.
    fn close(self: Box<Self>, deadline: Instant) -> BoxFuture<'static, Leftover>;
}

/// What a transport can do. The conformance suite runs each part that is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a capability of its own"
)]
pub struct Capabilities {
    /// Events survive this process.
    pub durable: bool,
    /// What the broker takes as an acknowledgement.
    pub acknowledge: Acknowledge,
    /// The broker delivers an event again unless it hears of it in time.
    pub progress: bool,
    /// Sources come and go while a consumer runs.
    pub revokes: bool,
    /// Events with an id that the broker knows already are not stored twice.
    pub deduplicates: bool,
    /// Takes [replays](super::Destination::Replay), delivers them to their group alone, and
    /// [removes](Buried::remove) dead letters.
    pub replays: bool,
    /// The largest event with key and headers, in bytes.
    pub max_event: usize,
}

impl Capabilities {
    /// The least: events in this process's memory.
    pub const NONE: Capabilities = Capabilities {
        durable: false,
        acknowledge: Acknowledge::Nothing,
        progress: false,
        revokes: false,
        deduplicates: false,
        replays: false,
        max_event: usize::MAX,
    };
}

/// What a broker takes as an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acknowledge {
    /// Nothing: settled events are forgotten.
    Nothing,
    /// Each event, in any order.
    Each,
    /// All events up to a position.
    Prefix,
}

/// What a consumer is for: a group and all its topics.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscription {
    /// The group's full name: the bus's, or `<bus's>~<handler's>`.
    pub group: Arc<str>,
    /// The topics that the group handles, sorted.
    pub topics: Arc<[&'static str]>,
}

impl Subscription {
    pub(crate) fn new(group: Arc<str>, mut topics: Vec<&'static str>) -> Self {
        topics.sort_unstable();
        Subscription {
            group,
            topics: topics.into(),
        }
    }
}

/// What did not end by a deadline, by name: tasks, threads, connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftover(pub Vec<String>);
