//! The log: what was published, and which group still needs it.

use crate::delivery::{Incoming, Position, Source};
use crate::event::Message;
use crate::transport::{Confirm, Outgoing};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// Topics without a handler that are named in the log, at most.
const NAMED: usize = 1000;

/// Everything that the memory transport keeps. Pure: no task, no waiting.
#[derive(Debug)]
pub(super) struct Log {
    lanes: Vec<Lane>,
    by_topic: HashMap<&'static str, Vec<usize>>,
    dead: HashMap<Arc<str>, Vec<Message>>,
    /// Publishes for which there is no room yet, oldest first.
    pending: VecDeque<(Outgoing, Confirm)>,
    events: usize,
    bytes: usize,
    event_limit: usize,
    byte_limit: usize,
    unhandled: HashSet<Arc<str>>,
    pub(super) closed: bool,
}

/// One topic of one group: a source.
#[derive(Debug)]
struct Lane {
    /// None once its group has ended.
    source: Option<Source>,
    /// Its group takes no more.
    stopped: bool,
    waiting: VecDeque<(Position, Arc<Logged>)>,
    delivered: HashMap<Position, Arc<Logged>>,
    next: Position,
}

/// An event, shared by the groups that need it.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) message: Message,
    pub(super) size: usize,
}

impl Log {
    pub(super) fn new(event_limit: usize, byte_limit: usize) -> Self {
        Log {
            lanes: Vec::new(),
            by_topic: HashMap::new(),
            dead: HashMap::new(),
            pending: VecDeque::new(),
            events: 0,
            bytes: 0,
            event_limit,
            byte_limit,
            unhandled: HashSet::new(),
            closed: false,
        }
    }

    /// The number of the next lane.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    pub(super) fn add_lane(&mut self, topic: &'static str, source: Source) {
        self.by_topic
            .entry(topic)
            .or_default()
            .push(self.lanes.len());
        self.lanes.push(Lane {
            source: Some(source),
            stopped: false,
            waiting: VecDeque::new(),
            delivered: HashMap::new(),
            next: 1,
        });
    }

    /// A lane's source, until its group has ended.
    pub(super) fn source(&self, lane: usize) -> Option<&Source> {
        self.lanes[lane].source.as_ref()
    }

    pub(super) fn stop_lane(&mut self, lane: usize) {
        self.lanes[lane].stopped = true;
    }

    pub(super) fn end_lane(&mut self, lane: usize) -> Option<Source> {
        self.lanes[lane].source.take()
    }

    /// Events of a lane that are not settled.
    pub(super) fn unsettled(&self, lane: usize) -> usize {
        self.lanes[lane].waiting.len() + self.lanes[lane].delivered.len()
    }

    /// Appends an event, whose answer is then to be given; or keeps it until there is room and the others
    /// that wait for it are in.
    pub(super) fn publish(
        &mut self,
        outgoing: Outgoing,
        confirm: Confirm,
        lanes: &mut Vec<usize>,
    ) -> Option<Confirm> {
        if self.pending.is_empty() && self.fits(outgoing.message.size()) {
            lanes.extend_from_slice(self.append(outgoing.message));
            return Some(confirm);
        }
        self.pending.push_back((outgoing, confirm));
        None
    }

    /// Appends what waited for room and fits now: the answers to give, and the lanes that have it.
    pub(super) fn admit(&mut self, lanes: &mut Vec<usize>) -> Vec<Confirm> {
        let mut answers = Vec::new();
        while let Some((outgoing, _)) = self.pending.front()
            && self.fits(outgoing.message.size())
            && let Some((outgoing, confirm)) = self.pending.pop_front()
        {
            lanes.extend_from_slice(self.append(outgoing.message));
            answers.push(confirm);
        }
        answers
    }

    /// Takes out the publishes whose time is over.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Confirm> {
        let over = |(outgoing, _): &(Outgoing, Confirm)| outgoing.deadline <= now;
        if !self.pending.iter().any(over) {
            return Vec::new();
        }
        let (over, pending): (VecDeque<_>, _) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(over);
        self.pending = pending;
        over.into_iter().map(|(_, confirm)| confirm).collect()
    }

    /// When the next publish runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.pending
            .iter()
            .map(|(outgoing, _)| outgoing.deadline)
            .min()
    }

    /// What says that there is no room.
    pub(super) fn full(&self) -> String {
        format!(
            "the memory log holds {} events and {} bytes, of `memory_log` {} and `memory_log_bytes` {}; handlers are \
             behind, or dead letters fill it",
            self.events, self.bytes, self.event_limit, self.byte_limit
        )
    }

    /// Stores a dead letter, if there is room.
    pub(super) fn bury(&mut self, group: Arc<str>, message: Message) -> bool {
        let size = message.size();
        if !self.fits(size) {
            return false;
        }
        self.events += 1;
        self.bytes += size;
        self.dead.entry(group).or_default().push(message);
        true
    }

    pub(super) fn dead_letters(&self, group: &str, limit: usize) -> Vec<Message> {
        self.dead
            .get(group)
            .into_iter()
            .flatten()
            .take(limit)
            .cloned()
            .collect()
    }

    /// The sizes of a lane's next events, `most` of them at most.
    pub(super) fn next_sizes(&self, lane: usize, most: usize) -> impl Iterator<Item = usize> {
        let most = if self.lanes[lane].stopped { 0 } else { most };
        self.lanes[lane]
            .waiting
            .iter()
            .take(most)
            .map(|(_, event)| event.size)
    }

    /// Takes the next events of a lane out, to be delivered.
    pub(super) fn take(&mut self, lane: usize, count: usize) -> Vec<Incoming> {
        let Lane {
            waiting, delivered, ..
        } = &mut self.lanes[lane];
        let mut batch = Vec::with_capacity(count);
        for (position, event) in waiting.drain(..count) {
            batch.push(Incoming {
                position,
                message: event.message.clone(),
            });
            delivered.insert(position, event);
        }
        batch
    }

    /// Forgets settled events.
    pub(super) fn settle(&mut self, lane: usize, settled: &[Position]) {
        for position in settled {
            if let Some(event) = self.lanes[lane].delivered.remove(position)
                && let Some(Logged { size, .. }) = Arc::into_inner(event)
            {
                self.events -= 1;
                self.bytes -= size;
            }
        }
    }

    fn fits(&self, size: usize) -> bool {
        self.events == 0 || (self.events < self.event_limit && self.bytes + size <= self.byte_limit)
    }

    fn append(&mut self, message: Message) -> &[usize] {
        let Some(lanes) = self.by_topic.get(&*message.topic) else {
            if self.unhandled.len() < NAMED && self.unhandled.insert(Arc::clone(&message.topic)) {
                tracing::warn!(
                    topic = &*message.topic,
                    "published, but no handler takes it: dropped, as all that follow"
                );
            }
            return &[];
        };
        let size = message.size();
        self.events += 1;
        self.bytes += size;
        let event = Arc::new(Logged { message, size });
        for lane in lanes {
            let Lane { waiting, next, .. } = &mut self.lanes[*lane];
            waiting.push_back((*next, Arc::clone(&event)));
            *next += 1;
        }
        lanes
    }

    /// No publish is taken any more; those that wait are given out.
    pub(super) fn close(&mut self) -> Vec<Confirm> {
        self.closed = true;
        self.pending.drain(..).map(|(_, confirm)| confirm).collect()
    }
}
