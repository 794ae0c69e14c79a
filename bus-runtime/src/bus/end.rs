//! The end of a bus: drain, cancel, close, report.

use super::account::Account;
use super::running::Parts;
use super::{Drain, Report};
use crate::clock::after;
use futures_util::future::{FutureExt, join_all};
use std::future::Future;
use tokio::time::{Instant, timeout_at};

/// Why a handler still runs that was cancelled, on a runtime that answers.
pub(super) const BLOCKS: &str = "it blocks its thread, which nothing can cancel";

impl Parts {
    /// What a shutdown that begins now reports of.
    pub(super) fn account(&self) -> Account {
        Account::new(self.bus, self.pool.clone(), self.started)
    }

    /// Ends the bus within `shutdown_deadline`; when `hurry` resolves, what still runs is cancelled at once.
    pub(super) async fn end(
        mut self,
        account: &Account,
        hurry: impl Future<Output = ()>,
    ) -> Report {
        let drain_by = after(self.config.drain_time());
        let close_by = after(self.config.shutdown_deadline);
        tracing::info!(bus = self.bus, load = ?self.pool.load(), "shutting down");

        let drained = tokio::select! {
            drained = timeout_at(drain_by, self.drain()) => drained.is_ok(),
            () = hurry => false,
        };
        let mut left = Vec::new();
        if !drained {
            self.stop_intake();
            account.cancel();
            // Half of the rest is for closing, whatever does not let itself be cancelled.
            let cancel_by = Instant::now() + close_by.saturating_duration_since(Instant::now()) / 2;
            if timeout_at(cancel_by, self.pool.drained()).await.is_err() {
                left.extend(account.still_running(BLOCKS));
            }
        }
        self.publisher.outlet().close();
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
        // Its thread too has ended before anybody counts.
        drop(self.watch);
        account.report(left)
    }

    /// Waits for what `drain` says, then for the handlers that run.
    async fn drain(&self) {
        self.publisher.outlet().drain();
        let durable = self.transport.capabilities().durable;
        if self.config.drain_on(durable) == Drain::Everything {
            if !durable {
                self.pool.lift_brakes();
            }
            self.everything().await;
            self.publisher.outlet().close();
            // What a task that outlived its handler has published since.
            self.exhausted().await;
            self.stop_intake();
            self.pool.emptied().await;
        }
        self.stop_intake();
        self.pool.close();
        self.pool.drained().await;
    }

    /// Resolves when every event is settled that was published, and no handler runs that could publish more.
    async fn everything(&self) {
        loop {
            self.exhausted().await;
            // One group may have been done before a handler of another published to it. Done at once, with no
            // publish meanwhile, they all were done at the first of these looks, and still are at the last.
            let handed = self.publisher.outlet().handed();
            let at_once = self.exhausted().now_or_never().is_some();
            if at_once && self.publisher.outlet().handed() == handed {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn exhausted(&self) {
        join_all(self.consumers.iter().map(|consumer| consumer.exhausted())).await;
    }

    fn stop_intake(&self) {
        self.consumers
            .iter()
            .for_each(|consumer| consumer.stop_intake());
    }
}
