//! The task that delivers what is published and forgets what is settled.

use super::due::Due;
use super::log::{Admitted, Log};
use crate::delivery::{Grant, Position, Source};
use crate::transport::{Receipt, TransportError};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// Events that a lane delivers before the next one's turn.
const BATCH: usize = 256;

/// Lanes that are served before publishes whose time is over are answered, and other tasks run.
const TURNS: usize = 32;

/// What the transport, its consumers, the wakers and the task share. Where both locks are held, the log's was first.
pub(super) struct Shared {
    log: Mutex<Log>,
    due: Mutex<Due>,
    /// The task has something to do.
    pub(super) work: Notify,
    /// No group needs an event any more.
    pub(super) idle: Notify,
}

/// What the task uses again and again.
#[derive(Default)]
struct Lists {
    sizes: Vec<usize>,
    settled: Vec<Position>,
    released: Vec<Position>,
}

/// When the task goes on.
enum Next {
    /// Lanes are due.
    Now,
    /// When there is work, and then at the latest.
    At(Option<Instant>),
}

/// Delivers, forgets what is settled, and lets go of the publishes whose time is over, until the log is closed.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut lists = Lists::default();
    loop {
        let next = shared.turn(&mut lists);
        if shared.log().is_closed() {
            return;
        }
        let Next::At(deadline) = next else {
            yield_now().await;
            continue;
        };
        let expiry = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = shared.work.notified() => {}
            () = expiry => {}
        }
    }
}

impl Shared {
    pub(super) fn new(log: Log) -> Self {
        Shared {
            log: Mutex::new(log),
            due: Mutex::new(Due::new()),
            work: Notify::new(),
            idle: Notify::new(),
        }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn due(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A source's waker: its lane has something to do.
    pub(super) fn woken(&self, lane: usize) {
        if self.due().woken(lane) {
            self.work.notify_one();
        }
    }

    /// These lanes have something to deliver.
    pub(super) fn published(&self, lanes: &[usize]) {
        let mut woken = false;
        {
            let mut due = self.due();
            for lane in lanes {
                woken |= due.published(*lane);
            }
        }
        if woken {
            self.work.notify_one();
        }
    }

    /// Gives their turn to the lanes that have what waited, and the answers.
    pub(super) fn admitted(&self, admitted: Admitted) {
        if !admitted.lanes.is_empty() {
            self.published(&admitted.lanes);
        }
        for confirm in admitted.stored {
            confirm.answer(Ok(Receipt::stored(false)));
        }
        for confirm in admitted.closed {
            confirm.answer(Err(TransportError::Closed));
        }
    }

    /// Serves some of the lanes that are due, and answers the publishes whose time is over.
    fn turn(&self, lists: &mut Lists) -> Next {
        for _ in 0..TURNS {
            let Some((lane, source)) = self.due().pop() else {
                break;
            };
            if let Some(source) = source {
                self.serve(lane, &source, lists);
            }
        }
        let (expired, deadline) = {
            let mut log = self.log();
            (log.expire(Instant::now()), log.next_deadline())
        };
        if let Some((over, full, admitted)) = expired {
            self.admitted(admitted);
            for confirm in over {
                confirm.answer(Err(TransportError::Full(full.clone())));
            }
        }
        if self.due().is_empty() {
            Next::At(deadline)
        } else {
            Next::Now
        }
    }

    /// Forgets what a lane has settled, for good: its group ends.
    pub(super) fn settle_lane(&self, lane: usize) {
        let source = self.due().source(lane);
        if let Some(source) = source {
            self.settle(lane, &source, &mut Lists::default());
        }
    }

    /// Forgets what a lane has settled, and notes what came back.
    fn settle(&self, lane: usize, source: &Source, lists: &mut Lists) {
        let Lists {
            settled, released, ..
        } = lists;
        settled.clear();
        released.clear();
        let (admitted, live) = {
            let mut log = self.log();
            // Read under the lock: else a group that ends meanwhile would find unsettled what is read already.
            source.take_settled(settled);
            source.take_released(released);
            if settled.is_empty() && released.is_empty() {
                return;
            }
            (log.settle(lane, settled, released), log.is_live())
        };
        self.admitted(admitted);
        if !live {
            self.idle.notify_waiters();
        }
    }

    /// Forgets what a lane has settled, and delivers one batch of it.
    fn serve(&self, lane: usize, source: &Source, lists: &mut Lists) {
        self.settle(lane, source, lists);
        let sizes = &mut lists.sizes;
        self.log().next_sizes(lane, BATCH, sizes);
        if !sizes.is_empty() {
            let (grant, count) = reserve(source, sizes);
            if count == 0 {
                // It is as served until its source calls its waker, which may have been meanwhile.
                return;
            }
            let batch = self.log().take(lane, count);
            let taken = batch.len();
            let bytes: usize = sizes[..taken].iter().sum();
            source.deliver(batch);
            source.give_back(Grant {
                events: grant.events - taken,
                bytes: grant.bytes.saturating_sub(bytes),
            });
        }
        // First this, then a look at the log: what is published in between has its turn by one or the other.
        self.due().served(lane);
        if self.log().has_next(lane) {
            self.published(&[lane]);
        }
    }
}

/// Reserves room for events of these sizes: how much there is, and how many fit.
fn reserve(source: &Source, sizes: &[usize]) -> (Grant, usize) {
    let grant = source.reserve(sizes.len(), sizes.iter().sum());
    let mut left = grant.bytes;
    let fitting =
        sizes
            .iter()
            .take(grant.events)
            .take_while(|size| match left.checked_sub(**size) {
                Some(rest) => {
                    left = rest;
                    true
                }
                None => false,
            });
    let count = fitting.count();
    if count > 0 || grant.events == 0 {
        return (grant, count);
    }
    // Not even the first fits into what was reserved for all: it is waited for alone.
    source.give_back(grant);
    let grant = source.reserve(1, sizes[0]);
    (grant, grant.events)
}
