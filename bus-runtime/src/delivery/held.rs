//! An event that the bus holds, and the handler it is for.

use super::frontier::Position;
use super::replay::Replayed;
use super::source::SourceShared;
use super::tally::DeadReason;
use crate::codec::Rejection;
use crate::event::{Key, Message, Metadata};
use crate::handler::{Call, Computed, Decoded, Ending, Retry, Route};
use crate::pool::panic_message;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A subscription as the pool's side sees it: a handler without its types.
pub(crate) struct Subscribed {
    /// The handler's path.
    pub(crate) name: &'static str,
    pub(crate) topic: &'static str,
    /// The group's full name.
    pub(crate) group: Arc<str>,
    pub(crate) retry: Retry,
    pub(crate) timeout: Duration,
    pub(crate) route: Route,
    pub(crate) begin: Begin,
}

impl Subscribed {
    /// The name of what takes replays that no handler takes.
    pub(crate) const NO_HANDLER: &str = "(no handler)";

    /// What a group does with a replay whose topic none of its handlers takes: it becomes a dead letter again, since to
    /// acknowledge it would be to lose it.
    pub(crate) fn no_handler(group: &Arc<str>) -> Self {
        let of = Arc::clone(group);
        Subscribed {
            name: Self::NO_HANDLER,
            // A label of metrics, which no topic equals.
            topic: Self::NO_HANDLER,
            group: Arc::clone(group),
            retry: Retry::attempts(1),
            timeout: Duration::MAX,
            route: Route::Record,
            begin: Box::new(move |invocation| {
                let topic = invocation.message.topic;
                let reason = format!(
                    "it was replayed, but no handler of the group `{of}` takes the topic `{topic}`"
                );
                Box::pin(std::future::ready(Ending::Dead { reason }))
            }),
        }
    }
}

/// Decodes an event and calls the handler.
pub(crate) type Begin = Box<dyn Fn(Invocation) -> Call + Send + Sync>;

/// One attempt's share of an event.
pub(crate) struct Invocation {
    pub(crate) message: Message,
    pub(crate) key: Key,
    pub(crate) decoded: Result<Option<Decoded>, Rejection>,
    pub(crate) metadata: Metadata,
}

impl fmt::Debug for Subscribed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {})", self.name, self.topic, self.group)
    }
}

/// An event from its delivery until it is settled or released. Boxed: one pointer wide in the pool.
pub(crate) struct Held {
    pub(super) source: Arc<SourceShared>,
    /// Its dense number in the source's frontier.
    pub(super) number: u64,
    pub(super) position: Position,
    pub(super) subscription: usize,
    pub(super) message: Message,
    /// What it is ordered by.
    pub(super) key: Key,
    /// Decoded to compute the key, for the first attempt.
    pub(super) decoded: Option<Decoded>,
    /// Why its key could not be computed: its handler is never called.
    pub(super) rejected: Option<Rejection>,
    /// When its attempt began, where that is measured.
    pub(super) begun: Option<Instant>,
    /// Why it is to become a dead letter.
    pub(super) fault: Option<Fault>,
    /// It was a dead letter before.
    pub(super) replayed: Option<Box<Replayed>>,
}

/// Why an event becomes a dead letter.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) reason: DeadReason,
    pub(super) error: String,
    pub(super) attempts: u32,
    /// Its dead letter was refused, and the board counts it.
    pub(super) refused: bool,
}

impl Held {
    pub(super) fn new(
        source: Arc<SourceShared>,
        number: u64,
        position: Position,
        subscription: usize,
        message: Message,
    ) -> Box<Self> {
        Box::new(Held {
            source,
            number,
            position,
            subscription,
            message,
            key: Key::NONE,
            decoded: None,
            rejected: None,
            begun: None,
            fault: None,
            replayed: None,
        })
    }

    /// Sets what the event is ordered by, by the handler's route; says whether that is another key than
    /// it was published under.
    pub(super) fn route(&mut self, route: &Route) -> bool {
        let compute: &dyn Fn(&Message) -> Computed = match route {
            Route::Unordered => return false,
            Route::RecordOr(compute) if self.message.key.as_bytes().is_none() => compute,
            Route::Record | Route::RecordOr(_) => {
                self.key = self.message.key.clone();
                return false;
            }
            Route::Computed(computes) => &|message| computes.compute(message),
        };
        // Decoding and the key's expression are the user's code, and this is the transport's task.
        let computed = catch_unwind(AssertUnwindSafe(|| compute(&self.message)));
        let computed = computed.unwrap_or_else(|panic| {
            let panic = panic_message(panic);
            Err(Rejection::new(format!(
                "computing the key panicked: {panic}"
            )))
        });
        match computed {
            Ok((key, decoded)) => {
                let differs = self.message.key.as_bytes().is_some() && self.message.key != key;
                self.key = key;
                self.decoded = Some(decoded);
                differs
            }
            Err(rejection) => {
                self.rejected = Some(rejection);
                false
            }
        }
    }

    /// What one attempt gets of the event.
    pub(super) fn invocation(&mut self, group: &Arc<str>, attempt: u32) -> Invocation {
        Invocation {
            message: self.message.clone(),
            key: self.key.clone(),
            decoded: self
                .rejected
                .clone()
                .map_or_else(|| Ok(self.decoded.take()), Err),
            metadata: Metadata {
                id: self.message.id.clone(),
                topic: Arc::clone(&self.message.topic),
                group: Arc::clone(group),
                time: self.message.time,
                source: Arc::clone(self.source.name()),
                position: self.position,
                attempt,
                fence: self.source.epoch(),
            },
        }
    }
}

/// A decoded event that was never attempted is dropped wherever the event is: its own drop must not unwind
/// into the pool or a transport.
impl Drop for Held {
    fn drop(&mut self) {
        if let Some(decoded) = self.decoded.take()
            && catch_unwind(AssertUnwindSafe(|| drop(decoded))).is_err()
        {
            crate::observe::error!(topic = &*self.message.topic, id = %self.message.id, "dropping the decoded event panicked");
        }
    }
}
