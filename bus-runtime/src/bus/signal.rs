//! The signals that end a service.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether the process leaves its signals to the bus: then a second one ends the shutdown at once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Resolves at the first `SIGTERM` or `SIGINT` (Ctrl-C) after it was first polled: what an orchestrator and
/// a person end a service with.
///
/// Given to [`Running::run_until`](crate::Running::run_until), a second signal during the shutdown cancels
/// what still runs.
///
/// # Panics
///
/// Where the process cannot listen for signals.
///
/// # Cancel safety
///
/// May be dropped; from its first poll on, the process no longer ends by these signals itself.
///
/// ```no_run
/// # use bus_runtime::prelude::*;
/// # #[event_bus(group = "shop", handlers = [])] struct Shop;
/// # async fn run() -> std::result::Result<(), Box<dyn std::error::Error>> {
/// let bus = Shop::new(Config::memory()).start().await?;
/// let report = bus.run_until(bus_runtime::shutdown_signal()).await?;
/// # Ok(()) }
/// ```
pub async fn shutdown_signal() {
    TAKEN.store(true, Ordering::Release);
    match listen() {
        Ok(signals) => first(signals).await,
        Err(error) => panic!("the process cannot listen for SIGTERM and SIGINT: {error}"),
    }
}

/// Resolves at the next signal, where the process leaves its signals to the bus.
pub(super) async fn second_signal() {
    if TAKEN.load(Ordering::Acquire)
        && let Ok(signals) = listen()
    {
        first(signals).await;
    } else {
        std::future::pending::<()>().await;
    }
}

fn listen() -> io::Result<[Signal; 2]> {
    Ok([
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ])
}

async fn first([mut terminate, mut interrupt]: [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
