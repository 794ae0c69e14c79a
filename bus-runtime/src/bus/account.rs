//! What a shutdown has done so far, for whoever reports it.

use super::{Handled, Report};
use crate::delivery::{Dispatch, Subscribed};
use crate::pool::Pool;
use std::sync::OnceLock;
use tokio::time::Instant;

/// What a shutdown reports of: shared by the shutdown itself, and by the thread that keeps its deadline.
pub(super) struct Account {
    bus: &'static str,
    pool: Pool<Dispatch>,
    started: Instant,
    begun: Instant,
    /// How many handlers ran when they were cancelled.
    cancelled: OnceLock<u64>,
}

impl Account {
    /// The account of a shutdown that begins now.
    pub(super) fn new(bus: &'static str, pool: Pool<Dispatch>, started: Instant) -> Self {
        Account {
            bus,
            pool,
            started,
            begun: Instant::now(),
            cancelled: OnceLock::new(),
        }
    }

    /// Cancels what runs, and releases it with what has not begun.
    pub(super) fn cancel(&self) {
        // Those that are cancelled: what else is released was never started.
        self.pool.close();
        let running = self.pool.load().in_flight as u64;
        if self.cancelled.set(running).is_ok() && running > 0 {
            crate::observe::warning!(
                bus = self.bus,
                "the shutdown cancels {running} handlers that still run; their events are given back"
            );
        }
        self.pool.cancel();
    }

    /// What could not be cancelled: handlers that do not give their thread back, `because` of which it is;
    /// dead letters that nobody confirms.
    pub(super) fn still_running(&self, because: &str) -> Vec<String> {
        let subscriptions = self.pool.work().subscriptions();
        let running = self.pool.running();
        let unsettled = self
            .pool
            .held()
            .saturating_sub(running.iter().map(|(_, count)| count).sum());
        let running = running.into_iter().map(|(subscription, count)| {
            let handler = subscriptions[subscription].name;
            format!("{count} × handler `{handler}`: {because}")
        });
        let unsettled = (unsettled > 0)
            .then(|| format!("{unsettled} events whose dead letter or release is not over"));
        running.chain(unsettled).collect()
    }

    /// The report as of now, which is logged where something is left.
    pub(super) fn report(&self, left: Vec<String>) -> Report {
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
        let handlers = handlers.filter(|handled| {
            // Not a handler: reported where it had something to do.
            handled.handler != Subscribed::NO_HANDLER || !handled.dead.is_empty()
        });
        for left in &left {
            crate::observe::error!(
                bus = self.bus,
                "left behind at the shutdown's deadline: {left}"
            );
        }
        // Cancelled in vain: they are among what is left.
        let running: usize = self.pool.running().iter().map(|(_, count)| count).sum();
        let running = running as u64;
        Report {
            bus: self.bus.to_owned(),
            handlers: handlers.collect(),
            left,
            ran: self.started.elapsed(),
            shutdown: self.begun.elapsed(),
            cancelled: self
                .cancelled
                .get()
                .map_or(0, |count| count.saturating_sub(running)),
        }
    }
}
