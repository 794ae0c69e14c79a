//! The end of a bus: drain, cancel, close, report.

use super::running::Parts;
use super::{Drain, Handled, Report};
use futures_util::future::join_all;
use std::future::Future;
use tokio::time::{Instant, timeout_at};

impl Parts {
    /// Ends the bus within `shutdown_deadline`; when `hurry` resolves, what still runs is cancelled at once.
    pub(super) async fn end(mut self, hurry: impl Future<Output = ()>) -> Report {
        let begun = Instant::now();
        let drain_by = begun + self.config.drain_time();
        let close_by = begun + self.config.shutdown_deadline;
        tracing::info!(bus = self.bus, load = ?self.pool.load(), "shutting down");

        let drained = tokio::select! {
            drained = timeout_at(drain_by, self.drain()) => drained.is_ok(),
            () = hurry => false,
        };
        let mut cancelled = 0;
        let mut left = Vec::new();
        if !drained {
            // Those that are cancelled: what else is released was never started.
            self.stop_intake();
            self.pool.close();
            cancelled = self.pool.load().in_flight as u64;
            self.pool.cancel();
            // Half of the rest is for closing, whatever does not let itself be cancelled.
            let cancel_by = Instant::now() + close_by.saturating_duration_since(Instant::now()) / 2;
            if timeout_at(cancel_by, self.pool.drained()).await.is_err() {
                left.extend(self.still_running());
            }
        }
        self.publisher.close();
        let consumers = std::mem::take(&mut self.consumers);
        for leftover in join_all(
            consumers
                .into_iter()
                .map(|consumer| consumer.close(close_by)),
        )
        .await
        {
            left.extend(leftover.0);
        }
        left.extend(self.transport.close(close_by).await.0);
        self.tasks.close();
        if timeout_at(close_by.max(Instant::now()), self.tasks.wait())
            .await
            .is_err()
            && left.is_empty()
        {
            left.push(format!("{} tasks of the pool", self.tasks.len()));
        }
        self.report(begun, cancelled, left)
    }

    /// Waits for what `drain` says, then for the handlers that run.
    async fn drain(&self) {
        let durable = self.transport.capabilities().durable;
        if self.config.drain_on(durable) == Drain::Everything {
            join_all(self.consumers.iter().map(|consumer| consumer.exhausted())).await;
            self.stop_intake();
            self.pool.emptied().await;
        }
        self.stop_intake();
        self.pool.close();
        self.pool.drained().await;
    }

    fn stop_intake(&self) {
        self.consumers
            .iter()
            .for_each(|consumer| consumer.stop_intake());
    }

    /// What could not be cancelled: handlers that do not give their thread back, dead letters that nobody
    /// confirms.
    fn still_running(&self) -> Vec<String> {
        let subscriptions = self.pool.work().subscriptions();
        let running = self
            .pool
            .running()
            .into_iter()
            .map(|(subscription, count)| {
                let handler = subscriptions[subscription].name;
                format!(
                    "{count} × handler `{handler}`: it blocks its thread, which nothing can cancel"
                )
            });
        let mut left: Vec<String> = running.collect();
        if left.is_empty() {
            left.push(format!(
                "{} events whose settlement is not over",
                self.pool.held()
            ));
        }
        left
    }

    fn report(&self, begun: Instant, cancelled: u64, left: Vec<String>) -> Report {
        let work = self.pool.work();
        let handlers = work.subscriptions().iter().enumerate();
        let handlers = handlers.map(|(at, subscribed)| {
            Handled::new(
                subscribed.name,
                subscribed.topic,
                &subscribed.group,
                work.tally(at).count(),
            )
        });
        for left in &left {
            tracing::error!(
                bus = self.bus,
                "left behind at the shutdown's deadline: {left}"
            );
        }
        Report {
            bus: self.bus.to_owned(),
            handlers: handlers.collect(),
            left,
            ran: self.started.elapsed(),
            shutdown: begun.elapsed(),
            cancelled,
        }
    }
}
