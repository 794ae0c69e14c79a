//! The thread that looks after a running bus from outside, where handlers cannot hold it up.

use super::readings::Readings;
use crate::delivery::Dispatch;
use crate::observe::{Board, Place, Problem, spawn, warning};
use crate::pool::{Looks, Pool};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long one poll of a handler may take before the handler is said to block its thread.
const BLOCKS: Duration = Duration::from_secs(2);
/// How long the room for the delayed may be full: for a moment it may be without anybody standing still.
const FULL: Duration = Duration::from_secs(1);
/// The longest time between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Finds what nobody says by himself: handlers that block their thread, attempts that are stuck, a room for the
/// delayed that is full, what has become a problem by now; tells whoever records metrics. Ends with its drop, which
/// waits for it.
#[derive(Debug)]
pub(super) struct Watch {
    ends: Option<Sender<Readings>>,
    /// None where the system gives no thread.
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `stuck_after` is how long an attempt may take.
    pub(super) fn start(pool: Pool<Dispatch>, board: Arc<Board>, stuck_after: Duration) -> Self {
        let (ends, ended) = channel();
        let look = LOOK.min(stuck_after / 2);
        let mut looking = Looking {
            pool,
            board,
            stuck_after,
            readings: None,
            polls: Looks::default(),
            blocking: BTreeSet::new(),
            full_since: None,
        };
        let thread = spawn("bus-watch", move || {
            loop {
                match ended.recv_timeout(look) {
                    Ok(readings) => looking.readings = Some(readings),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
                looking.look();
            }
            looking.end();
        });
        if let Err(error) = &thread {
            warning!(
                "no thread to look after the bus: handlers that are stuck or block their thread are not found, and \
                 metrics stand still: {error}"
            );
        }
        Watch {
            ends: Some(ends),
            thread: thread.ok(),
        }
    }

    /// Has these told from now on, and as they are at the end.
    pub(super) fn tell(&self, readings: Readings) {
        if let Some(watch) = &self.ends {
            // Without a thread there is nobody to tell them.
            drop(watch.send(readings));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            // It ends without a wait of its own; a panic there has been printed.
            drop(thread.join());
        }
    }
}

struct Looking {
    pool: Pool<Dispatch>,
    board: Arc<Board>,
    stuck_after: Duration,
    /// None where nobody records metrics, and until the bus has started.
    readings: Option<Readings>,
    polls: Looks,
    /// The subscriptions of the handlers that blocked their thread at the last look.
    blocking: BTreeSet<usize>,
    /// Since when the room for the delayed is full.
    full_since: Option<Instant>,
}

impl Looking {
    fn look(&mut self) {
        self.look_for_blocking();
        self.pool.ask_stuck(self.stuck_after);
        self.look_for_room();
        // Asked also where nobody records it: that is when what has become a problem by now is logged.
        let health = self.board.health();
        if let Some(readings) = &mut self.readings {
            readings.tell(&self.pool, &health);
        }
    }

    /// As it is at the end: all is counted, and nothing is held any more.
    fn end(mut self) {
        self.look();
        if let Some(readings) = &self.readings {
            readings.end();
        }
    }

    fn look_for_blocking(&mut self) {
        let blocking: BTreeSet<usize> = self
            .pool
            .blocking(&mut self.polls, Instant::now(), BLOCKS)
            .into_iter()
            .collect();
        for subscription in &blocking {
            let handler = self.name(*subscription);
            self.board.report(
                Place::Blocking(*subscription),
                Some(Problem::Blocking { handler }),
            );
        }
        for subscription in self.blocking.difference(&blocking) {
            self.board.report(Place::Blocking(*subscription), None);
        }
        self.blocking = blocking;
    }

    fn look_for_room(&mut self) {
        let Some((waiting, overflowing)) = self.pool.delayed_full() else {
            self.full_since = None;
            return self.board.report(Place::Delayed, None);
        };
        let since = *self.full_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= FULL {
            let handlers = overflowing.into_iter().map(|at| self.name(at)).collect();
            let problem = Problem::DelayedFull { waiting, handlers };
            self.board.report(Place::Delayed, Some(problem));
        }
    }

    fn name(&self, subscription: usize) -> String {
        self.pool.work().subscriptions()[subscription]
            .name
            .to_owned()
    }
}
