//! Where the events are: chunks, so that growing moves nothing.

use super::brake::Failed;
use super::work::Ticket;

/// No node.
pub(super) const NIL: u32 = u32::MAX;
const CHUNK: usize = 1024;
const LAST: u32 = 1023;

/// One held event and its place.
#[derive(Debug)]
pub(super) struct Node<E> {
    /// Taken out while the event runs or is being buried.
    pub(super) event: Option<E>,
    /// What orders it; 0 for nothing.
    pub(super) identity: u64,
    /// The next event of the same strand.
    pub(super) follower: u32,
    /// The next head in the same ready queue; the next free node.
    pub(super) link: u32,
    pub(super) subscription: u32,
    pub(super) source: u32,
    pub(super) bytes: usize,
    /// Attempts begun that count.
    pub(super) attempts: u32,
    pub(super) failed: Failed,
    /// Attempts to bury it begun; many are as good as one more.
    pub(super) burials: u8,
    pub(super) place: Place,
    pub(super) counted: Counted,
    /// Whether it stands in the queue of those that found no room among the delayed.
    pub(super) in_overflowed: bool,
    generation: u32,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    /// Behind the head of its strand.
    Follower,
    Ready,
    Running,
    /// Waits for an attempt, or for another burial.
    Delayed,
    /// Its dead letter is on the way.
    Settling,
}

/// Which bound a node counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// M: fetched and not started.
    Buffered,
    /// N: its handler runs.
    InFlight,
    /// D: waits for a retry or for its dead letter.
    Delayed,
    /// Would be D, which was full: counts as M, and stops its source.
    Overflow,
}

#[derive(Debug)]
pub(super) struct Slab<E> {
    chunks: Vec<Box<[Node<E>]>>,
    free: u32,
    live: usize,
}

impl<E> Slab<E> {
    pub(super) fn new() -> Self {
        Slab {
            chunks: Vec::new(),
            free: NIL,
            live: 0,
        }
    }

    pub(super) fn get(&self, index: u32) -> &Node<E> {
        &self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    pub(super) fn get_mut(&mut self, index: u32) -> &mut Node<E> {
        &mut self.chunks[index as usize / CHUNK][index as usize % CHUNK]
    }

    pub(super) fn insert(
        &mut self,
        event: E,
        identity: u64,
        subscription: u32,
        source: u32,
        bytes: usize,
    ) -> u32 {
        if self.free == NIL {
            self.grow();
        }
        let index = self.free;
        let node = self.get_mut(index);
        let (next_free, generation) = (node.link, node.generation);
        *node = Node {
            event: Some(event),
            identity,
            follower: NIL,
            link: NIL,
            subscription,
            source,
            bytes,
            attempts: 0,
            failed: Failed::default(),
            burials: 0,
            place: Place::Follower,
            counted: Counted::Buffered,
            in_overflowed: false,
            generation,
        };
        self.free = next_free;
        self.live += 1;
        index
    }

    /// Frees a node; what names it by its generation no longer does.
    pub(super) fn remove(&mut self, index: u32) {
        let free = self.free;
        let node = self.get_mut(index);
        node.event = None;
        node.place = Place::Free;
        node.generation = node.generation.wrapping_add(1);
        node.link = free;
        self.free = index;
        self.live -= 1;
    }

    pub(super) fn ticket(&self, index: u32) -> Ticket {
        Ticket {
            index,
            generation: self.get(index).generation,
        }
    }

    /// Whether the ticket's node is still the one it named.
    pub(super) fn is_current(&self, ticket: Ticket) -> bool {
        (ticket.index as usize) < self.chunks.len() * CHUNK
            && self.get(ticket.index).generation == ticket.generation
            && self.get(ticket.index).place != Place::Free
    }

    /// Every node that is not free.
    pub(super) fn indices(&self) -> impl Iterator<Item = u32> {
        let nodes = self.chunks.iter().flat_map(|chunk| chunk.iter());
        nodes
            .zip(0..)
            .filter(|(node, _)| node.place != Place::Free)
            .map(|(_, index)| index)
    }

    fn grow(&mut self) {
        let base =
            u32::try_from(self.chunks.len() * CHUNK).expect("a pool holds fewer than 2^32 events");
        let empty = |offset: u32| Node {
            event: None,
            identity: 0,
            follower: NIL,
            link: if offset == LAST {
                NIL
            } else {
                base + offset + 1
            },
            subscription: 0,
            source: 0,
            bytes: 0,
            attempts: 0,
            failed: Failed::default(),
            burials: 0,
            place: Place::Free,
            counted: Counted::Buffered,
            in_overflowed: false,
            generation: 0,
        };
        self.chunks.push((0..=LAST).map(empty).collect());
        self.free = base;
    }

    /// Gives the memory back when nothing is held and it has grown. No ticket may be out: none is, when
    /// nothing is held.
    pub(super) fn shrink(&mut self) {
        if self.live == 0 && self.chunks.len() > 4 {
            *self = Slab::new();
        }
    }
}
