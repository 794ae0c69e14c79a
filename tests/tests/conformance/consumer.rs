//! The broker's consumer: a task that takes partitions, delivers and acknowledges.

use super::broker::{Broker, Group, PARTITIONS, SOURCES};
use super::faults::Fault;
use bus_runtime::transport::{
    Acknowledge, BoxFuture, Consumer, Grant, Intake, Leftover, Position, Source,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How long the broker waits for an event, where it waits.
const ACK_WAIT: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Running,
    Stopping,
    Closing,
}

#[derive(Debug)]
pub(super) struct FakeConsumer {
    phase: watch::Sender<Phase>,
    task: JoinHandle<()>,
    waits: bool,
    ended: Arc<AtomicBool>,
}

impl FakeConsumer {
    pub(super) fn begin(
        broker: &Arc<Broker>,
        group: &Arc<str>,
        intake: Intake,
        ended: Arc<AtomicBool>,
    ) -> Self {
        let group = broker.group(group);
        let (member, wake) = {
            let mut state = broker.state();
            state.members += 1;
            let member = state.members;
            let length = |source| state.partitions.get(source).map_or(0, Vec::len);
            let lengths: [usize; SOURCES] = std::array::from_fn(length);
            let latest = broker.has(Fault::StartsLatest);
            let joined = state
                .groups
                .entry(Arc::clone(&group))
                .or_insert_with(|| Group {
                    settled: lengths.map(|length| (1..=length as u64).filter(|_| latest).collect()),
                    ..Group::default()
                });
            joined.members.push(member);
            let wake = Arc::new(Notify::new());
            state.wakes.push(Arc::clone(&wake));
            (member, wake)
        };
        broker.wake_all();
        let phase = watch::Sender::new(Phase::Running);
        let work = Work {
            broker: Arc::clone(broker),
            group,
            member,
            intake,
            sources: Default::default(),
            wake,
            phase: phase.subscribe(),
            clean: false,
        };
        let task = tokio::spawn(work.run());
        FakeConsumer {
            phase,
            task,
            waits: broker.has(Fault::WaitsForNothing),
            ended,
        }
    }
}

impl Consumer for FakeConsumer {
    fn stop_intake(&self) {
        self.phase.send_if_modified(|phase| {
            let runs = *phase == Phase::Running;
            if runs {
                *phase = Phase::Stopping;
            }
            runs
        });
    }

    fn exhausted(&self) -> BoxFuture<'_, ()> {
        if self.waits {
            Box::pin(std::future::pending())
        } else {
            Box::pin(std::future::ready(()))
        }
    }

    fn close(self: Box<Self>, _deadline: Instant) -> BoxFuture<'static, Leftover> {
        self.phase.send_replace(Phase::Closing);
        Box::pin(async move {
            let ended = self.task.await;
            self.ended.store(true, Ordering::Release);
            Leftover(
                ended
                    .err()
                    .map(|error| error.to_string())
                    .into_iter()
                    .collect(),
            )
        })
    }
}

/// The task of a consumer.
struct Work {
    broker: Arc<Broker>,
    group: Arc<str>,
    member: u64,
    intake: Intake,
    sources: [Option<Owned>; SOURCES],
    wake: Arc<Notify>,
    phase: watch::Receiver<Phase>,
    clean: bool,
}

/// A partition that this member owns.
struct Owned {
    source: Source,
    /// The next position to deliver.
    next: Position,
    revoked: bool,
    since: Instant,
}

impl Work {
    async fn run(mut self) {
        loop {
            let phase = *self.phase.borrow_and_update();
            for partition in 0..SOURCES {
                self.own(partition, phase);
                self.acknowledge(partition);
                if phase == Phase::Running {
                    self.serve(partition);
                }
            }
            if phase == Phase::Closing {
                self.clean = true;
                return;
            }
            let impatient = self.broker.has(Fault::ForgetsProgress);
            tokio::select! {
                () = self.wake.notified() => {}
                changed = self.phase.changed() => if changed.is_err() {
                    return;
                },
                () = sleep(ACK_WAIT), if impatient => self.deliver_again(),
            }
        }
    }

    /// Takes a partition that is this member's and free, and gives one up that is another's.
    fn own(&mut self, partition: usize, phase: Phase) {
        let (mine, holder) = {
            let state = self.broker.state();
            let group = &state.groups[&self.group];
            let turn = group.members[partition % group.members.len()];
            (turn == self.member, group.owners[partition])
        };
        let is_free = holder.is_none() || self.broker.has(Fault::TakesWithoutAsking);
        match &mut self.sources[partition] {
            None if mine && phase == Phase::Running && is_free => self.take(partition),
            Some(owned) if !mine => {
                if !owned.revoked && !self.broker.has(Fault::TakesWithoutAsking) {
                    owned.revoked = true;
                    owned.source.revoke(self.broker.manner.revoke);
                }
                if owned.source.is_drained() {
                    self.acknowledge(partition);
                    self.sources[partition] = None;
                    self.free(partition);
                    self.broker.wake_all();
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, partition: usize) {
        let epoch = {
            let mut state = self.broker.state();
            let group = state.groups.entry(Arc::clone(&self.group)).or_default();
            group.owners[partition] = Some(self.member);
            group.epoch += 1;
            group.epoch
        };
        let wake = Arc::clone(&self.wake);
        let deaf = self.broker.has(Fault::IgnoresItsWaker);
        let wake = move || {
            if !deaf {
                wake.notify_one();
            }
        };
        let name = format!("fake/{partition}");
        let source = if partition < PARTITIONS || self.broker.has(Fault::TakesReplaysForEvents) {
            self.intake.open(&name, epoch, wake)
        } else {
            self.intake.open_replays(&name, epoch, wake)
        };
        self.sources[partition] = Some(Owned {
            source,
            next: 1,
            revoked: false,
            since: Instant::now(),
        });
    }

    fn free(&self, partition: usize) {
        if let Some(group) = self.broker.state().groups.get_mut(&self.group)
            && group.owners[partition] == Some(self.member)
        {
            group.owners[partition] = None;
        }
    }

    fn acknowledge(&mut self, partition: usize) {
        let Some(owned) = &self.sources[partition] else {
            return;
        };
        let mut settled = Vec::new();
        owned.source.take_settled(&mut settled);
        if self.broker.manner.acknowledge == Acknowledge::Prefix {
            settled = (1..=owned.source.settled_prefix().unwrap_or(0)).collect();
        }
        owned.source.take_released(&mut Vec::new());
        if let Some(group) = self.broker.state().groups.get_mut(&self.group) {
            group.settled[partition].extend(settled);
        }
    }

    /// Delivers what there is room for.
    fn serve(&mut self, partition: usize) {
        let Some(owned) = &mut self.sources[partition] else {
            return;
        };
        while !owned.revoked {
            let mut batch = self.broker.batch(&self.group, partition, owned.next);
            if batch.is_empty() || self.broker.is_stalled(&self.group) {
                return;
            }
            if self.broker.has(Fault::IgnoresReservations) {
                owned.next = batch.last().map_or(owned.next, |last| last.position + 1);
                owned.source.deliver(batch);
                continue;
            }
            let sizes: Vec<usize> = batch
                .iter()
                .map(|incoming| incoming.message.size())
                .collect();
            let (grant, count) = self.broker.reserve(&owned.source, &sizes);
            self.broker.stall(&self.group, count == 0);
            if count == 0 {
                return;
            }
            batch.truncate(count);
            owned.next = batch[count - 1].position + 1;
            if self.broker.has(Fault::AcknowledgesEarly) {
                let early = batch.iter().map(|incoming| incoming.position);
                if let Some(group) = self.broker.state().groups.get_mut(&self.group) {
                    group.settled[partition].extend(early);
                }
            }
            if self.broker.has(Fault::DeliversBackwards) {
                batch.reverse();
            }
            owned.source.deliver(batch);
            owned.source.give_back(Grant {
                events: grant.events - count,
                bytes: grant.bytes.saturating_sub(sizes[..count].iter().sum()),
            });
        }
    }

    /// As a broker that was not told that its events are worked on.
    fn deliver_again(&mut self) {
        for partition in 0..SOURCES {
            let mut held = 0;
            if let Some(owned) = &self.sources[partition]
                && owned.since.elapsed() >= ACK_WAIT
            {
                owned.source.held(&mut |_| held += 1);
            }
            if held > 0 {
                self.take(partition);
            }
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        for partition in 0..SOURCES {
            if self.broker.has(Fault::LosesAtACrash) && !self.clean {
                let mut held = Vec::new();
                if let Some(owned) = &self.sources[partition] {
                    owned.source.held(&mut |position| held.push(position));
                }
                if let Some(group) = self.broker.state().groups.get_mut(&self.group) {
                    group.settled[partition].extend(held);
                }
            }
            self.sources[partition] = None;
            self.free(partition);
        }
        if let Some(group) = self.broker.state().groups.get_mut(&self.group) {
            group.members.retain(|member| *member != self.member);
            if self.broker.has(Fault::ForgetsAcknowledgements) {
                group.settled = Default::default();
            }
        }
        let wake = &self.wake;
        self.broker
            .state()
            .wakes
            .retain(|other| !Arc::ptr_eq(other, wake));
        self.broker.wake_all();
    }
}
