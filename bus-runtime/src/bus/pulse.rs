//! What is looked at once a second, since nobody says it by himself.

use crate::delivery::Dispatch;
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
    pub(super) fn start(pool: &Pool<Dispatch>, board: &Arc<Board>, tasks: &TaskTracker) -> Self {
        let (ends, ended) = oneshot::channel();
        tasks.spawn(beat(pool.clone(), Arc::clone(board), ended));
        Pulse { _ends: ends }
    }
}

async fn beat(pool: Pool<Dispatch>, board: Arc<Board>, mut ended: oneshot::Receiver<()>) {
    loop {
        look(&pool, &board);
        tokio::select! {
            _ = &mut ended => break,
            () = sleep(BEAT) => {}
        }
    }
    // As it is at the end: nothing is held, and what held it is over.
    look(&pool, &board);
}

fn look(pool: &Pool<Dispatch>, board: &Board) {
    let full = pool.delayed_full();
    board.expect(
        Place::Delayed,
        full.map(|waiting| Problem::DelayedFull { waiting }),
    );
    board.look();
}
