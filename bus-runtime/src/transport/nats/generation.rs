//! What a consumer has on one connection, between two resets.

use super::acks::Delivered;
use super::link::Link;
use super::pull::{BATCH, Ended, Next, Slot};
use super::setup::Durable;
use crate::transport::{Grant, Source};
use async_nats::Message;
use std::fmt;
use tokio::time::Instant;

/// The least and the most bytes that a pull asks for.
const BYTES: (usize, usize) = (64 * 1024, 8 * 1024 * 1024);
/// What the server counts of a message beside what its limit holds: subjects.
const BESIDE: usize = 4096;

/// What a consumer has on one connection, between two resets: two pulls in turn, so that one is under way
/// while the other is asked for; of what comes rarely, one pull for one event at a time.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) link: Link,
    slots: Vec<Slot>,
    /// The number that the next event has to have.
    expected: u64,
    /// The next event is larger than what a pull had room for.
    oversized: bool,
    /// Bytes of an event, as it went lately.
    average: usize,
    born: Instant,
}

/// Why a generation is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The connection was lost.
    Lost,
    /// An event did not come, or came twice.
    Gap { expected: u64, found: u64 },
    /// The server does not show that it still knows of a pull.
    Silent,
    /// The server says so.
    Broken(String),
}

impl Generation {
    /// `next` is the number of the first event that the consumer will deliver.
    pub(super) async fn open(link: Link, next: u64, is_rare: bool) -> Option<Self> {
        let mut slots = vec![Slot::open(&link).await?];
        if !is_rare {
            slots.push(Slot::open(&link).await?);
        }
        Some(Generation {
            slots,
            ..Generation::without_intake(link, next)
        })
    }

    /// Only answers for what came before.
    pub(super) fn without_intake(link: Link, next: u64) -> Self {
        Generation {
            link,
            slots: Vec::new(),
            expected: next,
            oversized: false,
            average: 1024,
            born: Instant::now(),
        }
    }

    pub(super) fn born(&self) -> Instant {
        self.born
    }

    /// Waits until something comes. What it was is kept for [`Generation::collect`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self, source: &Source) -> Result<(), Again> {
        let (at, next) = match &mut self.slots[..] {
            [first, second] => tokio::select! {
                next = first.next() => (0, next),
                next = second.next() => (1, next),
            },
            [only] => (0, only.next().await),
            _ => std::future::pending().await,
        };
        self.came(at, next, source)
    }

    /// Takes what has come, in the consumer's order, at most a batch. An event that is missing is an error;
    /// what was taken before it is good.
    pub(super) fn collect(
        &mut self,
        source: &Source,
        into: &mut Vec<(usize, Delivered, Message)>,
    ) -> Result<(), Again> {
        while into.len() < BATCH {
            let Some(at) = self.find_next(source)? else {
                break;
            };
            if !self.slots[at].has_room(source) {
                break;
            }
            let Some((delivered, message)) = self.slots[at].take() else {
                return Err(Again::Broken("an event came that was not asked for".into()));
            };
            self.expected += 1;
            self.oversized = false;
            self.average = (self.average * 15 + message.length) / 16;
            into.push((at, delivered, message));
        }
        Ok(())
    }

    /// Counts a taken event's bytes against what was reserved for the pull it came by.
    pub(super) fn charge(&mut self, at: usize, bytes: usize) {
        if let Some(slot) = self.slots.get_mut(at) {
            slot.charge(bytes);
        }
    }

    /// Ends the pulls that are complete; to be called when what they brought is delivered.
    pub(super) fn end_complete(&mut self, source: &Source) {
        for slot in &mut self.slots {
            slot.end_if_complete(source);
        }
    }

    fn find_next(&mut self, source: &Source) -> Result<Option<usize>, Again> {
        let with =
            |slots: &[Slot], number| slots.iter().position(|slot| slot.number() == Some(number));
        if let Some(at) = with(&self.slots, self.expected) {
            return Ok(Some(at));
        }
        // Twice: an event is put into its channel before its successor is put into the other one. So if the
        // successor is seen, a second look at the first channel finds the event, or it never comes.
        for _ in 0..2 {
            self.poll(source)?;
            if let Some(at) = with(&self.slots, self.expected) {
                return Ok(Some(at));
            }
        }
        match self.slots.iter().filter_map(Slot::number).min() {
            None => Ok(None),
            Some(found) => Err(Again::Gap {
                expected: self.expected,
                found,
            }),
        }
    }

    fn poll(&mut self, source: &Source) -> Result<(), Again> {
        for at in 0..self.slots.len() {
            loop {
                match self.slots[at].poll() {
                    Next::Nothing | Next::Event => break,
                    next => self.came(at, next, source)?,
                }
            }
        }
        Ok(())
    }

    fn came(&mut self, at: usize, next: Next, source: &Source) -> Result<(), Again> {
        match next {
            Next::Nothing | Next::Event | Next::Sign => Ok(()),
            Next::Ended(Ended::Broken(why)) => Err(Again::Broken(why)),
            Next::Ended(how) => {
                self.oversized |= how == Ended::TooSmall;
                self.slots[at].end(source);
                Ok(())
            }
            Next::Closed => Err(Again::Lost),
        }
    }

    /// Asks for as many events as there is room for.
    pub(super) async fn fill(&mut self, source: &Source, durable: &Durable) -> Result<(), Again> {
        if let [only] = &mut self.slots[..] {
            if only.is_busy() {
                return Ok(());
            }
            let pulled = only.pull_one(&self.link, durable).await;
            return pulled.ok_or(Again::Lost);
        }
        for at in 0..self.slots.len() {
            let other = &self.slots[1 - at];
            // The second pull begins when the first is half used: then they do not end together.
            if self.slots[at].is_busy() || (other.is_busy() && !other.is_half_used()) {
                continue;
            }
            let grant = self.reserve(source);
            if grant.events == 0 {
                break;
            }
            let beside = other.is_busy();
            let slot = &mut self.slots[at];
            let pulled = if grant.events > 1 {
                slot.pull(&self.link, durable, grant).await
            } else {
                // It may be all the room that there is: a pull that waits for an event would keep it from other sources.
                source.give_back(grant);
                if beside {
                    // What comes by it would wait for room that the other one has.
                    break;
                }
                slot.pull_one(&self.link, durable).await
            };
            pulled.ok_or(Again::Lost)?;
        }
        Ok(())
    }

    fn reserve(&self, source: &Source) -> Grant {
        if !self.oversized {
            let (least, most) = BYTES;
            return source.reserve(BATCH, (self.average * 2 * BATCH).clamp(least, most));
        }
        // Room for whatever the server may hold; else wait until there is, or until nothing of the source is
        // held, when one event of any size has room.
        source.reserve(1, self.link.client.max_payload() + BESIDE)
    }

    /// When a pull counts as lost.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        self.slots.iter().filter_map(Slot::silent_at).min()
    }

    /// Takes nothing more from the server. Returns what had come and is not delivered.
    pub(super) async fn stop(&mut self, source: &Source) -> Vec<Message> {
        let mut rest = Vec::new();
        for slot in self.slots.drain(..) {
            rest.extend(slot.close(&self.link, source).await);
        }
        rest
    }
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Again::Lost => f.write_str("the connection was lost"),
            Again::Gap { expected, found } => write!(
                f,
                "delivery {expected} is missing and {found} came; if this goes on, another process reads with the same \
                 group"
            ),
            Again::Silent => f.write_str("the server has not been heard of"),
            Again::Broken(why) => f.write_str(why),
        }
    }
}
