//! The thread that looks after a running bus from outside, where handlers cannot hold it up.

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
/// The longest time between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Finds handlers that block their thread, and attempts that are stuck. Ends with its drop, which waits for it.
#[derive(Debug)]
pub(super) struct Watch {
    ends: Option<Sender<()>>,
    /// None where the system gives no thread.
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// `stuck_after` is how long an attempt may take.
    pub(super) fn start(pool: Pool<Dispatch>, board: Arc<Board>, stuck_after: Duration) -> Self {
        let (ends, ended) = channel::<()>();
        let look = LOOK.min(stuck_after / 2);
        let mut seen = Seen::default();
        let thread = spawn("bus-watch", move || {
            while ended.recv_timeout(look) == Err(RecvTimeoutError::Timeout) {
                seen.look(&pool, &board, stuck_after);
            }
            // As it is at the end.
            seen.look(&pool, &board, stuck_after);
        });
        if let Err(error) = &thread {
            warning!("no thread to find handlers that are stuck or block their thread: {error}");
        }
        Watch {
            ends: Some(ends),
            thread: thread.ok(),
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

/// What the looks before have found.
#[derive(Debug, Default)]
struct Seen {
    polls: Looks,
    blocking: BTreeSet<usize>,
}

impl Seen {
    fn look(&mut self, pool: &Pool<Dispatch>, board: &Board, stuck_after: Duration) {
        let name = |subscription: usize| pool.work().subscriptions()[subscription].name.to_owned();
        let blocking: BTreeSet<usize> = pool
            .blocking(&mut self.polls, Instant::now(), BLOCKS)
            .into_iter()
            .collect();
        for subscription in &blocking {
            let handler = name(*subscription);
            board.report(
                Place::Blocking(*subscription),
                Some(Problem::Blocking { handler }),
            );
        }
        for subscription in self.blocking.difference(&blocking) {
            board.report(Place::Blocking(*subscription), None);
        }
        self.blocking = blocking;
        pool.ask_stuck(stuck_after);
    }
}
