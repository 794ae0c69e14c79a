//! The broker's client.

use super::broker::{Broker, MAX_EVENT};
use super::consumer::FakeConsumer;
use super::faults::Fault;
use bus_runtime::transport::{
    BoxFuture, Buried, Capabilities, Confirm, Consumer, Intake, Leftover, Letter, Outgoing,
    Position, Subscription, Transport, TransportError,
};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::Instant;

/// One connection.
pub(super) struct Connection {
    broker: Arc<Broker>,
    closed: AtomicBool,
    consumer_ended: Arc<AtomicBool>,
}

impl Connection {
    pub(super) fn open(broker: &Arc<Broker>) -> Arc<dyn Transport> {
        if broker.has(Fault::LeavesTask) {
            tokio::spawn(std::future::pending::<()>());
        }
        Arc::new(Connection {
            broker: Arc::clone(broker),
            closed: AtomicBool::new(false),
            consumer_ended: Arc::default(),
        })
    }
}

impl Transport for Connection {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::NONE;
        capabilities.durable = !self.broker.has(Fault::CallsItselfVolatile);
        capabilities.acknowledge = self.broker.manner.acknowledge;
        capabilities.progress = true;
        capabilities.revokes = true;
        capabilities.deduplicates = true;
        capabilities.replays = true;
        capabilities.max_event = MAX_EVENT;
        capabilities
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        let consumer = FakeConsumer::begin(
            &self.broker,
            &subscription.group,
            intake,
            Arc::clone(&self.consumer_ended),
        );
        Box::pin(async move { Ok(Box::new(consumer) as Box<dyn Consumer>) })
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let fault = self.broker.manner.fault;
        if self.closed.load(Ordering::Acquire) && fault != Fault::PublishesWhenClosed {
            confirm.answer(Err(TransportError::Closed));
            return;
        }
        let answer = self.broker.store(outgoing);
        let nth = self.broker.state().published.is_multiple_of(100);
        let ended = self.consumer_ended.load(Ordering::Acquire);
        match fault {
            Fault::ForgetsConfirms if nth => std::mem::forget(confirm),
            Fault::ForgetsConfirmsAtTheEnd if nth && ended => std::mem::forget(confirm),
            Fault::DropsConfirms if nth => drop(confirm),
            _ => confirm.answer(answer),
        }
        self.broker.wake_all();
    }

    fn buried(&self) -> &dyn Buried {
        self
    }

    fn close(&self, _deadline: Instant) -> BoxFuture<'_, Leftover> {
        self.closed.store(true, Ordering::Release);
        let mut leftover = Leftover::default();
        match self.broker.manner.fault {
            Fault::LosesTheLast => {
                for partition in &mut self.broker.state().partitions {
                    partition.pop();
                }
            }
            Fault::ForgetsReplaysAtTheEnd => self.broker.state().replays.clear(),
            Fault::LeavesSomething => leftover.0.push("a thread".into()),
            _ => {}
        }
        let hangs = self.broker.has(Fault::OutlivesItsDeadline);
        Box::pin(async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            leftover
        })
    }
}

impl Buried for Connection {
    fn knows<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<bool, TransportError>> {
        let known = self.broker.state().groups.contains_key(group);
        Box::pin(async move { Ok(known) })
    }

    fn list<'a>(
        &'a self,
        group: &'a str,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>> {
        let letters = self.broker.letters(group, from, limit);
        Box::pin(async move { Ok(letters) })
    }

    fn newest<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Position>, TransportError>> {
        let letters = self.broker.letters(group, 0, usize::MAX);
        let newest = letters.iter().map(|letter| letter.position).max();
        Box::pin(async move { Ok(newest) })
    }

    fn remove<'a>(
        &'a self,
        group: &'a str,
        letters: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        self.broker.remove(group, letters);
        Box::pin(async move { Ok(()) })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.broker.manner)
    }
}
