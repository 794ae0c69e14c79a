//! The signals that end a service.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Whether the process leaves its signals to the bus: then a second one ends the shutdown at once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// What heard the first signal, and goes on listening: a second one that comes before the shutdown has begun
/// is not missed.
static HEARD: Mutex<Option<Signals>> = Mutex::new(None);

type Signals = [Signal; 2];

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
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Shop::new(Config::memory()).start().await?;
/// let report = bus.run_until(bus_runtime::shutdown_signal()).await?;
/// # Ok(()) }
/// ```
pub async fn shutdown_signal() {
    TAKEN.store(true, Ordering::Release);
    match listen() {
        Ok(mut signals) => {
            next(&mut signals).await;
            *HEARD.lock().unwrap_or_else(PoisonError::into_inner) = Some(signals);
        }
        Err(error) => panic!("the process cannot listen for SIGTERM and SIGINT: {error}"),
    }
}

/// Resolves at the next signal, where the process leaves its signals to the bus.
pub(super) async fn second_signal() {
    let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner).take();
    let signals = match heard {
        Some(signals) => Some(signals),
        None if TAKEN.load(Ordering::Acquire) => listen().ok(),
        None => None,
    };
    match signals {
        Some(mut signals) => next(&mut signals).await,
        None => std::future::pending().await,
    }
}

fn listen() -> io::Result<Signals> {
    Ok([
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    ])
}

async fn next([terminate, interrupt]: &mut Signals) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
