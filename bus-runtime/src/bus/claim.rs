//! One bus runs in a process at a time.

use super::StartError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static RUNNING: Mutex<Option<&'static str>> = Mutex::new(None);

/// Whether this is a test's process, where any number may run.
static SEVERAL: AtomicBool = AtomicBool::new(false);

/// The right to run a bus in this process; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    sole: bool,
}

impl Claim {
    /// Lets any number of buses run in this process.
    pub(crate) fn allow_several() {
        SEVERAL.store(true, Ordering::Relaxed);
    }

    /// The right of a test's bus, which runs beside others.
    pub(crate) fn beside_others() -> Self {
        Claim { sole: false }
    }

    /// Claims the process for the bus of this name.
    pub(super) fn new(bus: &'static str) -> Result<Self, StartError> {
        if SEVERAL.load(Ordering::Relaxed) {
            return Ok(Claim { sole: false });
        }
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = *running {
            return Err(StartError::AnotherBus { bus, running });
        }
        *running = Some(bus);
        Ok(Claim { sole: true })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.sole {
            *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}
