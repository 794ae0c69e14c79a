//! A group's consumer on `memory:`.

use super::broker::Shared;
use crate::transport::{BoxFuture, Consumer, Leftover};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use tokio::time::Instant;

/// The lanes of one group. It has no task of its own.
pub(super) struct MemoryConsumer {
    shared: Arc<Shared>,
    lanes: Range<usize>,
    group: Arc<str>,
}

impl MemoryConsumer {
    pub(super) fn new(shared: Arc<Shared>, lanes: Range<usize>, group: Arc<str>) -> Self {
        MemoryConsumer {
            shared,
            lanes,
            group,
        }
    }

    fn unsettled(&self) -> usize {
        let log = self.shared.log();
        self.lanes.clone().map(|lane| log.unsettled(lane)).sum()
    }
}

impl Consumer for MemoryConsumer {
    fn stop_intake(&self) {
        for lane in self.lanes.clone() {
            self.shared.log().stop_lane(lane);
        }
    }

    fn exhausted(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut settled = std::pin::pin!(self.shared.settled.notified());
            loop {
                // Registered before the check: what is settled in between is not missed.
                settled.as_mut().enable();
                if self.unsettled() == 0 {
                    return;
                }
                settled.as_mut().await;
                settled.set(self.shared.settled.notified());
            }
        })
    }

    fn close(self: Box<Self>, _deadline: Instant) -> BoxFuture<'static, Leftover> {
        for lane in self.lanes.clone() {
            self.shared.settle_lane(lane);
        }
        let lost = self.unsettled();
        for lane in self.lanes.clone() {
            // Outside the log's lock: a source's end reaches into the pool.
            let source = self.shared.log().end_lane(lane);
            drop(source);
        }
        let leftover = match lost {
            0 => Leftover::default(),
            lost => Leftover(vec![format!(
                "{lost} events of group `{}` that were not settled: they are lost with the process, as this broker \
                 is its memory",
                self.group
            )]),
        };
        Box::pin(std::future::ready(leftover))
    }
}

impl fmt::Debug for MemoryConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryConsumer")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
