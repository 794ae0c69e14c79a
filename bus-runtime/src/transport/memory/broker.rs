//! The memory transport.

use super::consumer::MemoryConsumer;
use super::log::Log;
use crate::delivery::{Grant, Intake, Source};
use crate::event::Message;
use crate::transport::{
    BoxFuture, Capabilities, Confirm, Consumer, Destination, Leftover, Outgoing, Receipt,
    Subscription, Transport, TransportError,
};
use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::task::TaskTracker;

/// Events that a lane delivers before the next one's turn.
const BATCH: usize = 256;

/// Events in this process's memory.
pub(crate) struct Memory {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

pub(super) struct Shared {
    log: Mutex<Log>,
    /// Lanes with something to do, in turn.
    due: Mutex<VecDeque<usize>>,
    /// The task has something to do.
    work: Notify,
    /// Something was settled.
    pub(super) settled: Notify,
}

impl Memory {
    /// A log of at most so many events and bytes. Its task runs on the current runtime.
    pub(crate) fn new(events: usize, bytes: usize) -> Self {
        let shared = Arc::new(Shared {
            log: Mutex::new(Log::new(events, bytes)),
            due: Mutex::default(),
            work: Notify::new(),
            settled: Notify::new(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(run(Arc::clone(&shared)));
        Memory { shared, tasks }
    }
}

impl Transport for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        let mut log = self.shared.log();
        let first = log.lanes();
        for topic in subscription.topics.iter() {
            let lane = log.lanes();
            let shared = Arc::downgrade(&self.shared);
            let name = format!("memory/{topic}");
            let source = intake.open(&name, 1, move || {
                if let Some(shared) = shared.upgrade() {
                    shared.mark(lane);
                }
            });
            log.add_lane(topic, source);
        }
        let consumer = MemoryConsumer::new(
            Arc::clone(&self.shared),
            first..log.lanes(),
            subscription.group,
        );
        drop(log);
        Box::pin(async move { Ok(Box::new(consumer) as Box<dyn Consumer>) })
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let (confirm, answer) = {
            let mut log = self.shared.log();
            match &outgoing.destination {
                _ if log.closed => (Some(confirm), Err(TransportError::Closed)),
                Destination::DeadLetters { group, .. } => {
                    let stored = log.bury(Arc::clone(group), outgoing.message);
                    let full = || TransportError::Full(log.full());
                    (
                        Some(confirm),
                        stored.then(|| Receipt::stored(false)).ok_or_else(full),
                    )
                }
                Destination::Topic => {
                    let mut lanes = Vec::new();
                    let confirm = log.publish(outgoing, confirm, &mut lanes);
                    self.shared.due().extend(lanes);
                    (confirm, Ok(Receipt::stored(false)))
                }
            }
        };
        self.shared.work.notify_one();
        if let Some(confirm) = confirm {
            confirm.answer(answer);
        }
    }

    fn dead_letters<'a>(
        &'a self,
        group: &'a str,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Message>, TransportError>> {
        Box::pin(async move { Ok(self.shared.log().dead_letters(group, limit)) })
    }

    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover> {
        let waiting = self.shared.log().close();
        for confirm in waiting {
            confirm.answer(Err(TransportError::Closed));
        }
        self.shared.work.notify_one();
        self.tasks.close();
        Box::pin(async move {
            match timeout_at(deadline, self.tasks.wait()).await {
                Ok(()) => Leftover::default(),
                Err(_) => Leftover(vec!["the task of `memory:`".to_owned()]),
            }
        })
    }
}

/// Delivers, forgets what is settled, and lets publishes in or lets them go, until the log is closed.
async fn run(shared: Arc<Shared>) {
    loop {
        let next = shared.turn();
        if shared.log().closed {
            return;
        }
        let expiry = async {
            match next {
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
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> MutexGuard<'_, VecDeque<usize>> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A source's waker: its lane has something to do.
    fn mark(&self, lane: usize) {
        self.due().push_back(lane);
        self.work.notify_one();
    }

    /// Does what is due; says when the next publish runs out of time.
    fn turn(&self) -> Option<Instant> {
        loop {
            let lane = self.due().pop_front();
            if let Some(lane) = lane {
                self.serve(lane);
                continue;
            }
            let (admitted, expired, full, next) = {
                let mut log = self.log();
                let mut lanes = Vec::new();
                let admitted = log.admit(&mut lanes);
                self.due().extend(lanes);
                (
                    admitted,
                    log.expire(Instant::now()),
                    log.full(),
                    log.next_deadline(),
                )
            };
            let idle = admitted.is_empty();
            for confirm in admitted {
                confirm.answer(Ok(Receipt::stored(false)));
            }
            for confirm in expired {
                confirm.answer(Err(TransportError::Full(full.clone())));
            }
            if idle && self.due().is_empty() {
                return next;
            }
        }
    }

    /// Forgets what a lane has settled.
    pub(super) fn settle_lane(&self, lane: usize) {
        let Some(source) = self.log().source(lane).cloned() else {
            return;
        };
        let mut settled = Vec::new();
        source.take_settled(&mut settled);
        if !settled.is_empty() {
            self.log().settle(lane, &settled);
            self.settled.notify_waiters();
        }
    }

    /// Forgets what a lane has settled, and delivers one batch of it.
    fn serve(&self, lane: usize) {
        let Some(source) = self.log().source(lane).cloned() else {
            return;
        };
        self.settle_lane(lane);
        let sizes: Vec<usize> = self.log().next_sizes(lane, BATCH).collect();
        if sizes.is_empty() {
            return;
        }
        let (grant, count) = reserve(&source, &sizes);
        if count == 0 {
            return;
        }
        let batch = self.log().take(lane, count);
        let bytes: usize = sizes[..count].iter().sum();
        source.deliver(batch);
        source.give_back(Grant {
            events: grant.events - count,
            bytes: grant.bytes.saturating_sub(bytes),
        });
        self.due().push_back(lane);
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
    // Not even the first fits into the source's share: it goes alone.
    source.give_back(grant);
    let grant = source.reserve(1, usize::MAX);
    (grant, grant.events)
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}
