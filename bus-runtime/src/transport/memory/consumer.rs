//! A group's consumer on `memory:`.

use super::task::Shared;
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
}

impl Consumer for MemoryConsumer {
    fn stop_intake(&self) {
        let admitted = self.shared.log().stop(self.lanes.clone());
        self.shared.admitted(admitted);
    }

    /// For all groups of the log: a handler of one may publish to another.
    fn exhausted(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let mut idle = std::pin::pin!(self.shared.idle.notified());
            loop {
                // Registered before the check: what is settled in between is not missed.
                idle.as_mut().enable();
                if !self.shared.log().is_live() {
                    return;
                }
                idle.as_mut().await;
                idle.set(self.shared.idle.notified());
            }
        })
    }

    fn close(self: Box<Self>, _deadline: Instant) -> BoxFuture<'static, Leftover> {
        let mut lost = 0;
        for lane in self.lanes.clone() {
            self.shared.settle_lane(lane);
            let (unsettled, admitted) = self.shared.log().end_lane(lane);
            lost += unsettled;
            self.shared.admitted(admitted);
            // Outside of both locks: a source's end reaches into the pool.
            let source = self.shared.due().end(lane);
            drop(source);
        }
        // What was lost is not waited for.
        if !self.shared.log().is_live() {
            self.shared.idle.notify_waiters();
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
