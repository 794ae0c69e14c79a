//! Asking for the shutdown from anywhere.

use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Asks the bus to shut down, from anywhere: another task, a handler. Cheap to clone.
///
/// The request ends [`Running::run_until`](crate::Running::run_until); a second one changes nothing.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[event_handler(topic = "shop.closed", key = Unordered)]
/// async fn close(_: Raw, stop: Stop) {
///     stop.stop();
/// }
/// ```
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Stop {
    pub(crate) fn new() -> Self {
        Stop(Arc::new(watch::Sender::new(false)))
    }

    /// Asks for the shutdown, and returns at once.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has asked.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves when somebody has asked.
    pub(super) async fn stopped(&self) {
        let mut stopped = self.0.subscribe();
        // The sender lives in `self`.
        drop(stopped.wait_for(|stopped| *stopped).await);
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stop").field(&self.is_stopped()).finish()
    }
}
