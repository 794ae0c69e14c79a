//! The log: what was published, and which group still needs it.

use super::room::Room;
use super::waiting::Waiting;
use crate::delivery::{Incoming, Position};
use crate::event::Message;
use crate::transport::{Confirm, Letter, Outgoing, TransportError};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::time::Instant;

/// Topics without a handler that are named in the log, at most.
const NAMED: usize = 1000;

/// Everything that the memory transport keeps. Pure: no task, no waiting, no waker.
///
/// Whenever nobody changes it, the oldest of the publishes that wait does not fit: whatever makes room lets them in
/// at once. So nothing is accepted any more when nothing is live and nobody publishes.
#[derive(Debug)]
pub(super) struct Log {
    lanes: Vec<Lane>,
    /// The lanes of a topic, without those whose group has ended.
    by_topic: HashMap<&'static str, Vec<usize>>,
    /// The lane of a group's replays.
    replays: HashMap<Arc<str>, usize>,
    dead: HashMap<Arc<str>, BTreeMap<Position, Message>>,
    /// The position of the next dead letter.
    next_letter: Position,
    /// Publishes for which there is no room yet.
    waiting: Waiting,
    /// Events that a lane still needs.
    live: usize,
    room: Room,
    unhandled: HashSet<Arc<str>>,
    closed: bool,
}

/// One topic of one group, or what is replayed for it: a source.
#[derive(Debug)]
struct Lane {
    /// None, for replays.
    topic: Option<&'static str>,
    /// Its group takes no more.
    stopped: bool,
    waiting: VecDeque<(Position, Arc<Logged>)>,
    delivered: HashMap<Position, Arc<Logged>>,
    /// Events that came back without being settled: nobody has them any more.
    released: usize,
    next: Position,
}

/// An event, shared by the groups that need it.
#[derive(Debug)]
struct Logged {
    message: Message,
    size: usize,
}

/// What became of a publish.
#[derive(Debug)]
pub(super) enum Published<'a> {
    /// It is in the log, for these lanes.
    Stored(&'a [usize], Confirm),
    /// No handler takes its topic: it is dropped. With the topic, where that is to be said.
    Unhandled(Option<Arc<str>>, Confirm),
    /// It waits for room.
    Waits,
    /// A group that would need it takes no more, or the log is closed.
    Closed(Confirm),
    /// It is larger than the log: by size and limit.
    TooLarge(usize, usize, Confirm),
}

/// Publishes that no longer wait: those that are in the log now, with the lanes that have them, and those that
/// nobody would deliver any more.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    pub(super) lanes: Vec<usize>,
    pub(super) stored: Vec<Confirm>,
    pub(super) closed: Vec<Confirm>,
}

impl Log {
    pub(super) fn new(event_limit: usize, byte_limit: usize) -> Self {
        Log {
            lanes: Vec::new(),
            by_topic: HashMap::new(),
            replays: HashMap::new(),
            dead: HashMap::new(),
            next_letter: 1,
            waiting: Waiting::default(),
            live: 0,
            room: Room::new(event_limit, byte_limit),
            unhandled: HashSet::new(),
            closed: false,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Adds a lane, and says its number.
    pub(super) fn add_lane(&mut self, topic: &'static str) -> usize {
        let lane = self.push_lane(Some(topic));
        self.by_topic.entry(topic).or_default().push(lane);
        lane
    }

    /// Adds the lane of a group's replays, and says its number.
    pub(super) fn add_replays(&mut self, group: Arc<str>) -> usize {
        let lane = self.push_lane(None);
        self.replays.insert(group, lane);
        lane
    }

    fn push_lane(&mut self, topic: Option<&'static str>) -> usize {
        let lane = self.lanes.len();
        self.lanes.push(Lane {
            topic,
            stopped: false,
            waiting: VecDeque::new(),
            delivered: HashMap::new(),
            released: 0,
            next: 1,
        });
        lane
    }

    /// The largest event that it takes.
    pub(super) fn largest(&self) -> usize {
        self.room.largest()
    }

    /// Some lanes take no more.
    pub(super) fn stop(&mut self, lanes: impl Iterator<Item = usize>) -> Admitted {
        for lane in lanes {
            self.lanes[lane].stopped = true;
        }
        self.admit_after_an_end()
    }

    /// The group of a lane has ended: forgets what it did not settle, and says how much that was.
    pub(super) fn end_lane(&mut self, lane: usize) -> (usize, Admitted) {
        let ended = &mut self.lanes[lane];
        ended.stopped = true;
        let waiting = std::mem::take(&mut ended.waiting);
        let delivered = std::mem::take(&mut ended.delivered);
        let lost = waiting.len() + delivered.len() + std::mem::take(&mut ended.released);
        if let Some(topic) = ended.topic
            && let Some(lanes) = self.by_topic.get_mut(topic)
        {
            lanes.retain(|other| *other != lane);
        }
        for (_, event) in waiting.into_iter().chain(delivered) {
            self.forget(event);
        }
        (lost, self.admit_after_an_end())
    }

    /// Gives out the publishes that wait to get where nobody would deliver them, and lets in what fits behind them.
    fn admit_after_an_end(&mut self) -> Admitted {
        let (lanes, by_topic) = (&self.lanes, &self.by_topic);
        let closed = self.waiting.take(|outgoing| {
            let of_topic = by_topic.get(&*outgoing.message.topic);
            of_topic.is_none_or(|of_topic| has_ended(lanes, of_topic))
        });
        Admitted {
            closed,
            ..self.admit()
        }
    }

    /// Whether a group still needs an event.
    pub(super) fn is_live(&self) -> bool {
        self.live > 0
    }

    /// Whether a lane has something to deliver.
    pub(super) fn has_next(&self, lane: usize) -> bool {
        !self.lanes[lane].stopped && !self.lanes[lane].waiting.is_empty()
    }

    /// Appends an event, or keeps it until there is room and the others that wait for it are in.
    ///
    /// What a handler publishes is appended at once, also past the limits: the event that it handles keeps its room
    /// until the handler is done, and the handler may wait for this answer. To wait for room here could be to wait for
    /// itself.
    pub(super) fn publish(&mut self, outgoing: Outgoing, confirm: Confirm) -> Published<'_> {
        if self.closed {
            return Published::Closed(confirm);
        }
        let (size, limit) = (outgoing.message.size(), self.largest());
        if size > limit {
            return Published::TooLarge(size, limit, confirm);
        }
        let topic = &outgoing.message.topic;
        let Some(lanes) = self.by_topic.get(&**topic) else {
            let first = self.unhandled.len() < NAMED && self.unhandled.insert(Arc::clone(topic));
            return Published::Unhandled(first.then(|| Arc::clone(topic)), confirm);
        };
        if has_ended(&self.lanes, lanes) {
            return Published::Closed(confirm);
        }
        let fits = self.waiting.is_empty() && self.room.fits(size);
        if fits || outgoing.from_handler {
            return Published::Stored(self.append(outgoing.message), confirm);
        }
        self.waiting.push(outgoing, confirm);
        Published::Waits
    }

    /// Takes out the publishes whose time is over, with what says that there is no room; and lets those in that fit
    /// now that a larger one before them is gone.
    pub(super) fn expire(&mut self, now: Instant) -> Option<(Vec<Confirm>, String, Admitted)> {
        let over = self.waiting.expire(now);
        if over.is_empty() {
            return None;
        }
        let full = self.room.full();
        Some((over, full, self.admit()))
    }

    /// When the next publish runs out of time.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.next_deadline()
    }

    /// Stores a dead letter, whether it fits or not: it takes the room of its event, which is settled, and makes
    /// room, only once the dead letter is stored.
    pub(super) fn bury(&mut self, group: Arc<str>, message: Message) {
        self.room.add(message.size());
        let letters = self.dead.entry(group).or_default();
        letters.insert(self.next_letter, message);
        self.next_letter += 1;
    }

    /// Appends a dead letter for its group alone, whether it fits or not: the dead letter makes room only once the
    /// replay is stored. Says which lane has it.
    pub(super) fn replay(
        &mut self,
        group: &str,
        message: Message,
    ) -> Result<usize, TransportError> {
        let Some(lane) = self.replays.get(group).copied() else {
            return Err(TransportError::Refused(format!(
                "no handler of this bus has the group `{group}`"
            )));
        };
        if self.closed || self.lanes[lane].stopped {
            return Err(TransportError::Closed);
        }
        append_to(&mut self.lanes, &[lane], message, &mut self.room);
        self.live += 1;
        Ok(lane)
    }

    /// Whether a group takes events from this log.
    pub(super) fn knows(&self, group: &str) -> bool {
        self.replays.contains_key(group)
    }

    pub(super) fn dead_letters(&self, group: &str, from: Position, limit: usize) -> Vec<Letter> {
        let letters = self
            .dead
            .get(group)
            .into_iter()
            .flat_map(|all| all.range(from..));
        letters
            .take(limit)
            .map(|(position, message)| Letter::new(*position, message.clone()))
            .collect()
    }

    pub(super) fn newest_letter(&self, group: &str) -> Option<Position> {
        let (newest, _) = self.dead.get(group)?.last_key_value()?;
        Some(*newest)
    }

    /// Removes dead letters, and lets in what fits now.
    pub(super) fn remove_letters(&mut self, group: &str, letters: &[Letter]) -> Admitted {
        if let Some(stored) = self.dead.get_mut(group) {
            for letter in letters {
                if let Some(message) = stored.remove(&letter.position) {
                    self.room.remove(message.size());
                }
            }
        }
        self.admit()
    }

    /// The sizes of a lane's next events, `most` of them at most.
    pub(super) fn next_sizes(&self, lane: usize, most: usize, into: &mut Vec<usize>) {
        into.clear();
        let most = if self.lanes[lane].stopped { 0 } else { most };
        let next = self.lanes[lane].waiting.iter().take(most);
        into.extend(next.map(|(_, event)| event.size));
    }

    /// Takes the next events of a lane out, to be delivered. There are fewer than were asked for where its group
    /// has ended meanwhile.
    pub(super) fn take(&mut self, lane: usize, count: usize) -> Vec<Incoming> {
        let Lane {
            waiting, delivered, ..
        } = &mut self.lanes[lane];
        let count = count.min(waiting.len());
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

    /// Forgets settled events, and those that came back without being settled, which are counted.
    pub(super) fn settle(
        &mut self,
        lane: usize,
        settled: &[Position],
        released: &[Position],
    ) -> Admitted {
        for position in settled {
            if let Some(event) = self.lanes[lane].delivered.remove(position) {
                self.forget(event);
            }
        }
        for position in released {
            if let Some(event) = self.lanes[lane].delivered.remove(position) {
                self.lanes[lane].released += 1;
                self.forget(event);
            }
        }
        self.admit()
    }

    /// A lane no longer needs an event; with the last that does, its room is free.
    fn forget(&mut self, event: Arc<Logged>) {
        if let Some(Logged { size, .. }) = Arc::into_inner(event) {
            self.live -= 1;
            self.room.remove(size);
        }
    }

    /// Appends what waited for room and fits now.
    fn admit(&mut self) -> Admitted {
        let mut admitted = Admitted::default();
        let fits = |room: Room| move |oldest: &Outgoing| room.fits(oldest.message.size());
        while let Some((outgoing, confirm)) = self.waiting.pop_if(fits(self.room)) {
            let lanes = self.append(outgoing.message);
            admitted.lanes.extend_from_slice(lanes);
            admitted.stored.push(confirm);
        }
        admitted
    }

    /// Appends an event for all lanes of its topic, which are these.
    fn append(&mut self, message: Message) -> &[usize] {
        let Some(lanes) = self.by_topic.get(&*message.topic) else {
            return &[];
        };
        append_to(&mut self.lanes, lanes, message, &mut self.room);
        self.live += 1;
        lanes
    }

    /// No publish is taken any more; those that wait are given out.
    pub(super) fn close(&mut self) -> Vec<Confirm> {
        self.closed = true;
        self.waiting.take(|_| true)
    }
}

/// Appends an event to these lanes.
fn append_to(lanes: &mut [Lane], to: &[usize], message: Message, room: &mut Room) {
    let size = message.size();
    let event = Arc::new(Logged { message, size });
    for lane in to {
        let Lane { waiting, next, .. } = &mut lanes[*lane];
        waiting.push_back((*next, Arc::clone(&event)));
        *next += 1;
    }
    room.add(size);
}

/// Whether an event for these lanes would be lost: one of them takes no more, or all their groups have ended.
fn has_ended(lanes: &[Lane], of_topic: &[usize]) -> bool {
    of_topic.is_empty() || of_topic.iter().any(|lane| lanes[*lane].stopped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Key;
    use crate::transport::Destination;

    fn outgoing(topic: &str, from_handler: bool, deadline: Instant) -> Outgoing {
        Outgoing {
            message: Message::new(topic, Key::NONE, "12345"),
            destination: Destination::Topic,
            from_handler,
            deadline,
        }
    }

    fn publish<'a>(log: &'a mut Log, topic: &str, from_handler: bool) -> Published<'a> {
        let outgoing = outgoing(topic, from_handler, Instant::now());
        log.publish(outgoing, Confirm::new(drop))
    }

    /// A log of one event with two lanes of a topic, which has its one event.
    fn full() -> Log {
        let mut log = Log::new(1, 100);
        log.add_lane("t");
        log.add_lane("t");
        let stored = publish(&mut log, "t", false);
        assert!(matches!(stored, Published::Stored([0, 1], _)));
        log
    }

    #[test]
    fn what_a_handler_publishes_goes_past_the_limit_and_past_those_that_wait() {
        let mut log = full();
        assert!(matches!(publish(&mut log, "t", false), Published::Waits));
        let stored = publish(&mut log, "t", true);
        assert!(matches!(stored, Published::Stored(..)));
        log.bury("g".into(), Message::new("t", Key::NONE, "12345"));
        assert_eq!((log.room.events, log.room.bytes, log.live), (3, 15, 2));
        let handled = [log.take(0, 9).len(), log.take(1, 9).len()];
        assert_eq!(handled, [2, 2]);
        let admitted = log.settle(0, &[1, 2], &[]);
        assert!(admitted.stored.is_empty() && log.is_live());
        // The dead letter still fills the log of one.
        let admitted = log.settle(1, &[1, 2], &[]);
        assert!(admitted.stored.is_empty() && !log.is_live());
    }

    #[test]
    fn the_last_lane_that_settles_makes_room_and_it_is_used_at_once() {
        let mut log = full();
        assert!(matches!(publish(&mut log, "t", false), Published::Waits));
        log.take(0, 1);
        log.take(1, 1);
        assert!(log.settle(1, &[1], &[]).stored.is_empty());
        let admitted = log.settle(0, &[1], &[]);
        assert_eq!((admitted.stored.len(), admitted.lanes), (1, vec![0, 1]));
        assert!(log.is_live() && log.next_deadline().is_none());
    }

    #[test]
    fn what_nobody_would_deliver_is_not_taken_and_does_not_wait() {
        let mut log = full();
        assert!(matches!(publish(&mut log, "t", false), Published::Waits));
        assert_eq!(log.stop(1..2).closed.len(), 1);
        for from_handler in [false, true] {
            let refused = publish(&mut log, "t", from_handler);
            assert!(matches!(refused, Published::Closed(_)));
        }
        // Its group gone, the other one's goes on.
        assert_eq!(log.end_lane(1).0, 1);
        assert!(matches!(
            publish(&mut log, "t", true),
            Published::Stored([0], _)
        ));
        assert_eq!(log.end_lane(0).0, 2);
        assert_eq!((log.live, log.room.events, log.room.bytes), (0, 0, 0));
        assert!(matches!(publish(&mut log, "t", true), Published::Closed(_)));
    }

    #[test]
    fn what_came_back_is_named_at_the_end() {
        let mut log = full();
        assert!(matches!(
            publish(&mut log, "t", true),
            Published::Stored(..)
        ));
        log.take(0, 2);
        log.settle(0, &[1], &[2]);
        assert_eq!(log.end_lane(0).0, 1);
        assert_eq!(log.end_lane(1).0, 2);
    }

    #[test]
    fn publishes_run_out_of_time_each_by_its_own_and_let_the_next_in() {
        let mut log = Log::new(9, 12);
        log.add_lane("t");
        assert!(matches!(
            publish(&mut log, "t", false),
            Published::Stored(..)
        ));
        let now = Instant::now();
        let after = |seconds| now + std::time::Duration::from_secs(seconds);
        let mut large = outgoing("t", false, after(2));
        large.message.payload = "123456789012".into();
        for outgoing in [
            large,
            outgoing("t", false, after(9)),
            outgoing("t", false, after(1)),
        ] {
            let waits = log.publish(outgoing, Confirm::new(drop));
            assert!(matches!(waits, Published::Waits));
        }
        assert_eq!(log.next_deadline(), Some(after(1)));
        assert!(log.expire(now).is_none());
        let (over, full, admitted) = log.expire(after(1)).expect("one is over");
        assert_eq!((over.len(), admitted.stored.len()), (1, 0));
        assert!(full.contains("1 events and 5 bytes"), "{full}");
        let (over, _, admitted) = log.expire(after(2)).expect("the large one is over");
        assert_eq!((over.len(), admitted.stored.len()), (1, 1));
        assert_eq!(log.next_deadline(), None);
    }

    #[test]
    fn topics_without_a_handler_are_dropped_and_named_once() {
        let mut log = full();
        let first = publish(&mut log, "other", false);
        assert!(matches!(first, Published::Unhandled(Some(_), _)));
        let second = publish(&mut log, "other", false);
        assert!(matches!(second, Published::Unhandled(None, _)));
    }
}
