//! One partition for as long as this process owns it.

use super::context::Context;
use super::wake::Bell;
use crate::transport::kafka::{native, wire};
use crate::transport::{Epoch, Grant, Incoming, Intake, Position, Revoke, Source};
use rdkafka::Message;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::message::BorrowedMessage;
use std::sync::Arc;
use std::time::Duration;

/// The most events that a partition hands over before the next one's turn.
const BATCH: usize = 256;
/// The most bytes of them, but for one larger event.
const BATCH_BYTES: usize = 1 << 20;

/// One partition for as long as this process owns it.
///
/// The client fetches each partition into a queue of its own, so that one of which nothing is taken holds up no other,
/// and the client itself stops fetching for it.
pub(super) struct Partition {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
    /// Its topic's name at the broker.
    pub(super) wire_topic: Arc<str>,
    pub(super) bell: Bell,
    /// With an offset it names an event, as the ids of events without one of their own do.
    name: String,
    /// It has what is replayed for the group.
    is_replays: bool,
    epoch: Epoch,
    queue: PartitionQueue<Context>,
    /// None until nothing of `former` runs any more.
    source: Option<Source>,
    former: Vec<Source>,
    again: Option<Again>,
    /// Taken from the client, not yet handed over.
    stash: Option<Incoming>,
    /// The oldest and the newest that were handed over.
    handed: Option<(Position, Position)>,
    /// What is stored as the group's offset: all up to here.
    stored: Option<Position>,
    scratch: Vec<Position>,
    /// Nothing more is taken.
    leaving: bool,
    /// It is in the row of those whose turn comes.
    pub(super) is_due: bool,
}

/// Which partition it is.
pub(super) struct Place {
    pub(super) topic: Arc<str>,
    pub(super) number: i32,
    pub(super) wire_topic: Arc<str>,
    /// It has what is replayed for the group.
    pub(super) is_replays: bool,
}

/// A partition that is to be read again, once nothing of it runs.
struct Again {
    /// From here, or from the oldest event that is not settled.
    from: Position,
    /// Where it was read until now.
    ended: Option<Source>,
}

/// How far a turn went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There may be more.
    More,
    /// Until the client or the source rings.
    Over,
    /// The broker has delivered from here, which is not behind all that it delivered before: the log was cut, or made
    /// anew.
    Rewound(Position),
}

impl Partition {
    /// A partition that begins once nothing of its former ownerships runs any more.
    pub(super) fn new(
        place: Place,
        epoch: Epoch,
        bell: Bell,
        mut queue: PartitionQueue<Context>,
        former: Vec<Source>,
    ) -> Self {
        let Place {
            topic,
            number,
            wire_topic,
            is_replays,
        } = place;
        let ring = bell.clone();
        queue.set_nonempty_callback(move || ring.events());
        Partition {
            name: source_name(&topic, number),
            is_replays,
            topic,
            number,
            wire_topic,
            bell,
            epoch,
            queue,
            source: None,
            former,
            again: None,
            stash: None,
            handed: None,
            stored: None,
            scratch: Vec::new(),
            leaving: false,
            is_due: false,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Nothing of it runs any more.
    pub(super) fn is_drained(&self) -> bool {
        self.sources().all(Source::is_drained)
    }

    pub(super) fn revoke(&self, how: Revoke) {
        self.sources().for_each(|source| source.revoke(how));
    }

    /// Of this and former ownerships.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Source> {
        let ended = self.again.iter().filter_map(|again| again.ended.as_ref());
        self.former.iter().chain(ended).chain(&self.source)
    }

    /// Takes and hands over nothing more, and rings for the drain at once.
    pub(super) fn leave(&mut self) {
        self.leaving = true;
        self.stash = None;
        self.bell.await_source(true);
    }

    /// Throws away what the client has fetched, which it would keep for as long as it knows the partition.
    pub(super) fn purge(&self) {
        while self.queue.poll(Duration::ZERO).is_some() {}
    }

    /// Begins, unless something of it runs that was handed over before. Whether it has begun.
    pub(super) fn begin(&mut self, intake: &Intake) -> bool {
        if self.source.is_none() {
            if !self.is_drained() {
                return false;
            }
            self.former.clear();
            let bell = self.bell.clone();
            let wake = move || bell.source();
            let source = if self.is_replays {
                intake.open_replays(&self.name, self.epoch, wake)
            } else {
                intake.open(&self.name, self.epoch, wake)
            };
            self.source = Some(source);
            // What the client has fetched meanwhile, or before its callback was set.
            self.bell.events();
        }
        true
    }

    /// Cancels what runs, so that the partition is read again: from `from`, or from the oldest event that is not
    /// settled. Returns which, as far as it is known now.
    pub(super) fn read_again(&mut self, from: Position) -> Position {
        let (from, ended) = match self.again.take() {
            Some(again) => (from.min(again.from), again.ended),
            None => (from, self.source.take()),
        };
        if let Some(ended) = &ended {
            ended.revoke(Revoke::Cancel);
        }
        self.stash = None;
        self.stored = None;
        self.bell.await_source(true);
        let again = Again { from, ended };
        let oldest = self.oldest(&again);
        self.again = Some(again);
        oldest
    }

    /// From where it is read again, once nothing of it runs.
    pub(super) fn take_again(&mut self) -> Option<Position> {
        let again = self
            .again
            .take_if(|again| again.ended.iter().all(Source::is_drained))?;
        let oldest = self.oldest(&again);
        self.handed = None;
        Some(oldest)
    }

    /// The oldest event to read again: in a log that was cut there may be some that were handed over and not settled,
    /// before the one that the broker delivered.
    fn oldest(&self, again: &Again) -> Position {
        let Some((first, _)) = self.handed else {
            return again.from;
        };
        let prefix = again.ended.as_ref().and_then(Source::settled_prefix);
        prefix.map_or(first, |prefix| prefix + 1).min(again.from)
    }

    /// Hands over one batch, as far as there are events and there is room for them.
    pub(super) fn take(&mut self) -> Turn {
        let Some(source) = self.source.clone().filter(|_| !self.leaving) else {
            return Turn::Over;
        };
        let Some(first) = self.next() else {
            return Turn::Over;
        };
        if self
            .handed
            .is_some_and(|(_, newest)| first.position <= newest)
        {
            return Turn::Rewound(first.position);
        }
        self.bell.await_source(true);
        let Some(grant) = reserve(&source, &first) else {
            self.stash = Some(first);
            return Turn::Over;
        };
        self.bell.await_source(false);
        let (batch, turn, bytes) = self.fill(first, grant);
        let events = batch.len();
        source.deliver(batch);
        source.give_back(Grant {
            events: grant.events - events,
            bytes: grant.bytes.saturating_sub(bytes),
        });
        turn
    }

    /// The batch that begins with this event, and its bytes.
    fn fill(&mut self, first: Incoming, grant: Grant) -> (Vec<Incoming>, Turn, usize) {
        let mut bytes = first.message.size();
        let oldest = self.handed.map_or(first.position, |(oldest, _)| oldest);
        let mut newest = first.position;
        let mut batch = Vec::with_capacity(grant.events.min(BATCH));
        batch.push(first);
        let mut turn = Turn::More;
        while batch.len() < grant.events && bytes < BATCH_BYTES {
            let Some(next) = self.next() else {
                turn = Turn::Over;
                break;
            };
            let size = next.message.size();
            if next.position <= newest || size > grant.bytes.saturating_sub(bytes) {
                self.stash = Some(next);
                break;
            }
            bytes += size;
            newest = next.position;
            batch.push(next);
        }
        self.handed = Some((oldest, newest));
        (batch, turn, bytes)
    }

    fn next(&mut self) -> Option<Incoming> {
        if let Some(stashed) = self.stash.take() {
            return Some(stashed);
        }
        loop {
            match self.queue.poll(Duration::ZERO)? {
                Ok(message) => return Some(self.incoming(&message)),
                // The client goes on by itself: what ends a consumer comes by the queue of the whole consumer.
                Err(error) => tracing::debug!(source = self.name, "{error}"),
            }
        }
    }

    fn incoming(&self, message: &BorrowedMessage<'_>) -> Incoming {
        let position = position(message.offset());
        let event = wire::event(
            Arc::clone(&self.topic),
            &self.name,
            position,
            message.key(),
            message.payload(),
            native::headers(message),
            message.timestamp().to_millis(),
        );
        Incoming {
            position,
            message: if self.is_replays {
                wire::replay(event)
            } else {
                event
            },
        }
    }

    /// The offset to store, if it has moved: behind all that is settled.
    pub(super) fn moved(&mut self) -> Option<Position> {
        let source = self.source.as_ref()?;
        // A prefix is all that this broker takes; read, so that the next settlement rings.
        source.take_settled(&mut self.scratch);
        source.take_released(&mut self.scratch);
        self.scratch.clear();
        let prefix = source.settled_prefix()?;
        if self.stored == Some(prefix) {
            return None;
        }
        self.stored = Some(prefix);
        Some(prefix + 1)
    }
}

/// Room for a batch that begins with this event.
fn reserve(source: &Source, first: &Incoming) -> Option<Grant> {
    let size = first.message.size();
    let grant = source.reserve(BATCH, BATCH_BYTES);
    if grant.events == 0 {
        return None;
    }
    if size <= grant.bytes {
        return Some(grant);
    }
    // It does not fit into what was reserved for all: it is waited for alone.
    source.give_back(grant);
    let grant = source.reserve(1, size);
    (grant.events > 0).then_some(grant)
}

/// What a partition's source is called.
pub(super) fn source_name(topic: &str, number: i32) -> String {
    format!("{topic}/{number}")
}

/// The place of the event at this offset. Only special offsets, which no event has, are negative.
pub(super) fn position(offset: i64) -> Position {
    Position::try_from(offset).unwrap_or_default()
}
