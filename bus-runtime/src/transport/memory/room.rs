//! The room of the log.

use crate::transport::DEAD_LETTER_ROOM;

/// What events and dead letters take, and the most that publishes from outside may find taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub(super) events: usize,
    pub(super) bytes: usize,
    event_limit: usize,
    byte_limit: usize,
}

impl Room {
    pub(super) fn new(event_limit: usize, byte_limit: usize) -> Self {
        Room {
            events: 0,
            bytes: 0,
            event_limit,
            byte_limit,
        }
    }

    /// The largest event: what `memory_log_bytes` says, and what the bus keeps free for a dead letter's headers.
    pub(super) fn largest(&self) -> usize {
        self.byte_limit.saturating_add(DEAD_LETTER_ROOM)
    }

    pub(super) fn fits(&self, size: usize) -> bool {
        // The largest goes where nothing else is.
        self.events == 0
            || (self.events < self.event_limit
                && self.bytes.saturating_add(size) <= self.byte_limit)
    }

    pub(super) fn add(&mut self, size: usize) {
        self.events += 1;
        self.bytes += size;
    }

    pub(super) fn remove(&mut self, size: usize) {
        self.events -= 1;
        self.bytes -= size;
    }

    /// What says that there is none.
    pub(super) fn full(&self) -> String {
        format!(
            "the memory log holds {} events and {} bytes, of `memory_log` {} and `memory_log_bytes` {}; handlers are \
             behind, or dead letters fill it",
            self.events, self.bytes, self.event_limit, self.byte_limit
        )
    }
}
