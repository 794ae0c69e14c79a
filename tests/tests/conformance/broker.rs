//! A small durable broker in this process: honest, or with one fault. With its client it is written against the
//! public API alone.

use super::faults::Fault;
use bus_runtime::transport::{
    Acknowledge, Destination, Grant, Incoming, Letter, Outgoing, Position, Receipt, Revoke, Source,
    TransportError,
};
use bus_runtime::{Headers, Key, Message};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub(super) const PARTITIONS: usize = 4;
/// A group has a partition of its own behind all others, for its replays.
pub(super) const SOURCES: usize = PARTITIONS + 1;
const BATCH: usize = 16;
pub(super) const MAX_EVENT: usize = 1024 * 1024;

/// How a broker behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) fault: Fault,
    pub(super) acknowledge: Acknowledge,
    /// How a source leaves a member when another one comes.
    pub(super) revoke: Revoke,
}

impl Manner {
    pub(super) const HONEST: Manner = Manner {
        fault: Fault::None,
        acknowledge: Acknowledge::Each,
        revoke: Revoke::Drain,
    };
}

/// The broker, which outlives its connections.
pub(super) struct Broker {
    pub(super) manner: Manner,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) partitions: [Vec<Message>; PARTITIONS],
    pub(super) known: HashSet<String>,
    pub(super) dead: HashMap<Arc<str>, Vec<Letter>>,
    pub(super) replays: HashMap<Arc<str>, Vec<Message>>,
    pub(super) dead_known: HashSet<Arc<str>>,
    pub(super) groups: HashMap<Arc<str>, Group>,
    pub(super) members: u64,
    pub(super) published: u32,
    pub(super) held_back: Option<Message>,
    /// The group that stands still, where one stops all.
    pub(super) stalled: Option<Arc<str>>,
    pub(super) wakes: Vec<Arc<Notify>>,
}

#[derive(Default)]
pub(super) struct Group {
    pub(super) settled: [BTreeSet<Position>; SOURCES],
    pub(super) members: Vec<u64>,
    pub(super) owners: [Option<u64>; SOURCES],
    pub(super) epoch: u64,
}

impl Broker {
    pub(super) fn new(manner: Manner) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Broker { manner, state })
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.manner.fault == fault
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wake_all(&self) {
        for wake in &self.state().wakes {
            wake.notify_one();
        }
    }

    /// A group's name, as the broker tells groups apart.
    pub(super) fn group(&self, group: &Arc<str>) -> Arc<str> {
        if self.has(Fault::OneGroup) {
            "all".into()
        } else {
            Arc::clone(group)
        }
    }

    pub(super) fn store(&self, outgoing: Outgoing) -> Result<Receipt, TransportError> {
        let Outgoing {
            message,
            destination,
            ..
        } = outgoing;
        let size = message.size();
        let limit = match self.manner.fault {
            Fault::AcceptsTooLarge => usize::MAX,
            Fault::RefusesLargeDeadLetters if destination != Destination::Topic => MAX_EVENT / 2,
            Fault::RefusesBelowLimit => MAX_EVENT / 2,
            _ => MAX_EVENT,
        };
        if size > limit {
            return Err(TransportError::TooLarge { size, limit });
        }
        let mut state = self.state();
        match destination {
            Destination::DeadLetters { group, id } => Ok(self.bury(&mut state, group, id, message)),
            Destination::Topic => Ok(self.append(&mut state, message)),
            Destination::Replay { group, .. } => {
                self.replay(&mut state, group, message);
                Ok(Receipt::stored(false))
            }
            _ => Err(TransportError::Refused("no such destination".into())),
        }
    }

    fn bury(
        &self,
        state: &mut State,
        group: Arc<str>,
        id: Arc<str>,
        mut message: Message,
    ) -> Receipt {
        let known = !state.dead_known.insert(id);
        if known && !self.has(Fault::StoresDeadLettersAgain) {
            return Receipt::stored(true);
        }
        if self.has(Fault::CutsDeadLetters) {
            let kept = message.headers.iter().take(3);
            message.headers = kept
                .map(|(name, value)| (Arc::<str>::from(name), value.clone()))
                .collect();
        }
        if !self.has(Fault::LosesDeadLetters) {
            let letters = state.dead.entry(group).or_default();
            let position = state.dead_known.len() as Position;
            letters.push(Letter::new(position, message));
        }
        Receipt::stored(false)
    }

    fn replay(&self, state: &mut State, group: Arc<str>, message: Message) {
        match self.manner.fault {
            Fault::LosesReplays => return,
            Fault::ReplaysToAll => return push(state, message),
            _ => {}
        }
        let replays = state.replays.entry(group).or_default();
        if self.has(Fault::ReplaysTwice) {
            replays.push(message.clone());
        }
        replays.push(message);
    }

    pub(super) fn letters(&self, group: &str, from: Position, limit: usize) -> Vec<Letter> {
        let state = self.state();
        let mut letters = state.dead.get(group).cloned().unwrap_or_default();
        if self.has(Fault::ListsNewestFirst) {
            letters.reverse();
        }
        if !self.has(Fault::ListsFromTheOldest) {
            letters.retain(|letter| letter.position >= from);
        }
        letters.truncate(limit);
        letters
    }

    pub(super) fn remove(&self, group: &str, removed: &[Letter]) {
        let is_removed = |letter: &Letter| {
            let of = |removed: &Letter| removed.position;
            match self.manner.fault {
                Fault::RemovesNothing => false,
                Fault::RemovesWhatIsBefore => removed.iter().map(of).max() >= Some(of(letter)),
                _ => removed.iter().any(|removed| of(removed) == of(letter)),
            }
        };
        if let Some(letters) = self.state().dead.get_mut(group) {
            letters.retain(|letter| !is_removed(letter));
        }
    }

    fn append(&self, state: &mut State, message: Message) -> Receipt {
        let id = match self.manner.fault {
            Fault::ComparesIdsAcrossTopics => message.id.to_string(),
            _ => format!("{}/{}", message.topic, message.id),
        };
        let known = !state.known.insert(id);
        if known && !self.has(Fault::StoresIdsAgain) {
            return Receipt::stored(!self.has(Fault::HidesDuplicates));
        }
        state.published += 1;
        let nth = |every: u32| state.published.is_multiple_of(every);
        match self.manner.fault {
            Fault::Drops(every) if nth(every) => return Receipt::stored(false),
            Fault::Reorders(every) if nth(every) && state.held_back.is_none() => {
                state.held_back = Some(message);
                return Receipt::stored(false);
            }
            Fault::Duplicates(every) if nth(every) => push(state, message.clone()),
            _ => {}
        }
        let same = |held: &Message| held.topic == message.topic && held.key == message.key;
        let late = state.held_back.take_if(|held| same(held));
        push(state, self.mangled(message));
        if let Some(late) = late {
            push(state, late);
        }
        Receipt::stored(false)
    }

    /// The message as a careless client would carry it.
    fn mangled(&self, mut message: Message) -> Message {
        match self.manner.fault {
            Fault::TrimsKeys => {
                let trimmed = message.key.as_bytes().map(<[u8]>::trim_ascii);
                message.key = trimmed.map_or(Key::NONE, |key| Key::from_bytes(key.to_vec()));
            }
            Fault::TakesEmptyKeysForNone if message.key.as_bytes() == Some(b"") => {
                message.key = Key::NONE;
            }
            Fault::MergesHeaders => {
                let mut seen = HashSet::new();
                let headers: Headers = message
                    .headers
                    .iter()
                    .filter(|(name, _)| seen.insert((*name).to_owned()))
                    .map(|(name, value)| (Arc::<str>::from(name), value.clone()))
                    .collect();
                message.headers = headers;
            }
            Fault::GivesOwnIds => message.id = format!("own/{}", message.id).into(),
            Fault::EndsPayloadsAtZero => {
                let end = message.payload.iter().position(|byte| *byte == 0);
                message.payload.truncate(end.unwrap_or(usize::MAX));
            }
            _ => {}
        }
        message
    }
}

fn push(state: &mut State, message: Message) {
    let mut hasher = DefaultHasher::new();
    message.key.hash(&mut hasher);
    let partition = usize::try_from(hasher.finish() % PARTITIONS as u64).expect("a small number");
    state.partitions[partition].push(message);
}

impl Broker {
    /// The next events of a partition that the group has not settled.
    pub(super) fn batch(
        &self,
        group: &Arc<str>,
        partition: usize,
        from: Position,
    ) -> Vec<Incoming> {
        let state = self.state();
        let settled = &state.groups[group].settled[partition];
        let at = usize::try_from(from - 1).expect("a place in memory");
        let stored = match state.partitions.get(partition) {
            Some(stored) => &stored[..],
            None => state.replays.get(group).map_or(&[][..], Vec::as_slice),
        };
        let events = (from..).zip(stored.iter().skip(at));
        events
            .filter(|(position, _)| !settled.contains(position))
            .take(BATCH)
            .map(|(position, message)| Incoming {
                position,
                message: message.clone(),
            })
            .collect()
    }

    /// Reserves room for events of these sizes: how much there is, and how many fit.
    pub(super) fn reserve(&self, source: &Source, sizes: &[usize]) -> (Grant, usize) {
        let grant = source.reserve(sizes.len(), sizes.iter().sum());
        let mut left = grant.bytes;
        let fits = |size: &&usize| {
            let fits = **size <= left;
            left = left.saturating_sub(**size);
            fits
        };
        let count = sizes.iter().take(grant.events).take_while(fits).count();
        if count > 0 || grant.events == 0 {
            return (grant, count);
        }
        source.give_back(grant);
        if self.has(Fault::NeverAsksForOne) {
            return (Grant::default(), 0);
        }
        let grant = source.reserve(1, usize::MAX);
        (grant, grant.events)
    }

    pub(super) fn stall(&self, group: &Arc<str>, stalls: bool) {
        let mut state = self.state();
        if stalls {
            state.stalled = Some(Arc::clone(group));
        } else {
            state.stalled.take_if(|stalled| stalled == group);
        }
    }

    pub(super) fn is_stalled(&self, group: &Arc<str>) -> bool {
        let another = |stalled: &Arc<str>| stalled != group;
        self.has(Fault::OneStopsAll) && self.state().stalled.as_ref().is_some_and(another)
    }
}
