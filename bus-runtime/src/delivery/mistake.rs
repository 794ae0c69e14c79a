//! A mistake on purpose, for tests that have to find it.

use std::sync::atomic::{AtomicBool, Ordering};

static EARLY: AtomicBool = AtomicBool::new(false);

/// Acknowledges events as they arrive, from now on.
pub(crate) fn acknowledge_early() {
    EARLY.store(true, Ordering::Relaxed);
}

/// Whether events are acknowledged as they arrive.
pub(super) fn acknowledges_early() -> bool {
    EARLY.load(Ordering::Relaxed)
}
