//! What is looked at once a second, since nobody says it by himself.

use super::readings::Readings;
use crate::delivery::{Dispatch, Intake};
use crate::observe::{Board, Place, Problem};
use crate::pool::Pool;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

/// The time between two looks.
const BEAT: Duration = Duration::from_secs(1);

/// One task for the whole bus, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Pulse {
    _ends: oneshot::Sender<()>,
}

impl Pulse {
    /// For a bus with these groups.
    pub(super) fn start(
        pool: &Pool<Dispatch>,
        board: &Arc<Board>,
        intakes: Vec<Intake>,
        tasks: &TaskTracker,
    ) -> Self {
        let (ends, ended) = oneshot::channel();
        let looking = Looking {
            readings: Readings::new(pool, intakes),
            pool: pool.clone(),
            board: Arc::clone(board),
            was_full: false,
        };
        tasks.spawn(looking.beat(ended));
        Pulse { _ends: ends }
    }
}

struct Looking {
    pool: Pool<Dispatch>,
    board: Arc<Board>,
    readings: Option<Readings>,
    /// The room for the delayed, at the last look.
    was_full: bool,
}

impl Looking {
    async fn beat(mut self, mut ended: oneshot::Receiver<()>) {
        loop {
            self.look();
            tokio::select! {
                _ = &mut ended => break,
                () = sleep(BEAT) => {}
            }
        }
        // As it is at the end: all is counted, and nothing is held any more.
        self.look();
        self.readings.iter().for_each(Readings::end);
    }

    fn look(&mut self) {
        self.look_for_room();
        let health = self.board.health();
        if let Some(readings) = &mut self.readings {
            readings.tell(&self.pool, &health);
        }
    }

    /// Says whether the room for the delayed is full. For a moment it may be without anybody standing still: it is a
    /// problem at the second look.
    fn look_for_room(&mut self) {
        let subscriptions = self.pool.work().subscriptions();
        let full = self.pool.delayed_full().map(|(waiting, overflowing)| {
            let handlers = overflowing
                .into_iter()
                .map(|at| subscriptions[at].name.to_owned());
            Problem::DelayedFull {
                waiting,
                handlers: handlers.collect(),
            }
        });
        let was_full = std::mem::replace(&mut self.was_full, full.is_some());
        if was_full || full.is_none() {
            self.board.report(Place::Delayed, full);
        }
    }
}
