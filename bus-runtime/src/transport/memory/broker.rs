//! The memory transport.

use super::consumer::MemoryConsumer;
use super::log::{Log, Published};
use super::task::{Shared, run};
use crate::delivery::Intake;
use crate::transport::{
    BoxFuture, Buried, Capabilities, Confirm, Consumer, Destination, Leftover, Letter, Outgoing,
    Position, Receipt, Subscription, Transport, TransportError,
};
use std::fmt;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

/// Events in this process's memory.
pub(crate) struct Memory {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    max_event: usize,
}

impl Memory {
    /// A log of at most so many events and bytes. Its task runs on the current runtime.
    pub(crate) fn new(events: usize, bytes: usize) -> Self {
        let log = Log::new(events, bytes);
        let max_event = log.largest();
        let shared = Arc::new(Shared::new(log));
        let tasks = TaskTracker::new();
        tasks.spawn(run(Arc::clone(&shared)));
        Memory {
            shared,
            tasks,
            max_event,
        }
    }

    fn publish_to_topic(&self, outgoing: Outgoing, confirm: Confirm) {
        let mut log = self.shared.log();
        let (answer, confirm) = match log.publish(outgoing, confirm) {
            Published::Stored(lanes, confirm) => {
                self.shared.published(lanes);
                (Ok(Receipt::stored(false)), confirm)
            }
            Published::Waits => {
                drop(log);
                // Its deadline may be the next.
                self.shared.work.notify_one();
                return;
            }
            Published::Unhandled(first, confirm) => {
                drop(log);
                if let Some(topic) = first {
                    crate::observe::warning!(
                        topic = &*topic,
                        "published, but no handler takes it: dropped, as all that follow"
                    );
                }
                confirm.answer(Ok(Receipt::stored(false)));
                return;
            }
            Published::Closed(confirm) => (Err(TransportError::Closed), confirm),
            Published::TooLarge(size, limit, confirm) => {
                (Err(TransportError::TooLarge { size, limit }), confirm)
            }
        };
        drop(log);
        confirm.answer(answer);
    }
}

impl Transport for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            replays: true,
            max_event: self.max_event,
            ..Capabilities::NONE
        }
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        // Held until all are open, so that a lane has the same number everywhere.
        let mut log = self.shared.log();
        let first = self.shared.due().lanes();
        for topic in subscription.topics.iter() {
            let lane = log.add_lane(topic);
            let shared = Arc::downgrade(&self.shared);
            let source = intake.open(&format!("memory/{topic}"), 1, move || {
                if let Some(shared) = shared.upgrade() {
                    shared.woken(lane);
                }
            });
            self.shared.due().add(source);
        }
        let lane = log.add_replays(Arc::clone(&subscription.group));
        let shared = Arc::downgrade(&self.shared);
        let source = intake.open_replays("memory/replays", 1, move || {
            if let Some(shared) = shared.upgrade() {
                shared.woken(lane);
            }
        });
        self.shared.due().add(source);
        let consumer = MemoryConsumer::new(
            Arc::clone(&self.shared),
            first..self.shared.due().lanes(),
            subscription.group,
        );
        drop(log);
        Box::pin(async move { Ok(Box::new(consumer) as Box<dyn Consumer>) })
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let answer = match outgoing.destination {
            Destination::Topic => return self.publish_to_topic(outgoing, confirm),
            Destination::DeadLetters { group, .. } => {
                let mut log = self.shared.log();
                if log.is_closed() {
                    Err(TransportError::Closed)
                } else {
                    log.bury(group, outgoing.message);
                    Ok(())
                }
            }
            Destination::Replay { group, .. } => {
                // Under the log's lock, as publishes are: its group may be ending.
                let mut log = self.shared.log();
                let lane = log.replay(&group, outgoing.message);
                lane.map(|lane| self.shared.published(&[lane]))
            }
        };
        confirm.answer(answer.map(|()| Receipt::stored(false)));
    }

    fn buried(&self) -> &dyn Buried {
        self
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

impl Buried for Memory {
    fn knows<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<bool, TransportError>> {
        Box::pin(async move { Ok(self.shared.log().knows(group)) })
    }

    fn list<'a>(
        &'a self,
        group: &'a str,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>> {
        Box::pin(async move { Ok(self.shared.log().dead_letters(group, from, limit)) })
    }

    fn newest<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Position>, TransportError>> {
        Box::pin(async move { Ok(self.shared.log().newest_letter(group)) })
    }

    fn remove<'a>(
        &'a self,
        group: &'a str,
        letters: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let admitted = self.shared.log().remove_letters(group, letters);
            self.shared.admitted(admitted);
            Ok(())
        })
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory:")
    }
}
