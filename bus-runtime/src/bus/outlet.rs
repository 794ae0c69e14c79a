//! What all publishers of a bus share: the transport, the window, and whether they still publish.

use crate::observe::Publishes;
use crate::transport::{Confirm, Outgoing, Transport, TransportError};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

/// Who may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    /// Everybody.
    Open,
    /// The bus drains: only who handles an event.
    Draining,
    /// Nobody.
    Closed,
}

impl Phase {
    fn refuses(self, from_handler: bool) -> bool {
        self == Phase::Closed || (self == Phase::Draining && !from_handler)
    }
}

/// What all publishers of a bus share.
pub(super) struct Outlet {
    pub(super) transport: Arc<dyn Transport>,
    /// Publishes under way from outside of handlers.
    outside: Arc<Semaphore>,
    /// Those of handlers: what waits outside for a full broker must not hold up what empties it.
    handlers: Arc<Semaphore>,
    phase: watch::Sender<Phase>,
    /// Publishes that the transport was handed.
    handed: AtomicU64,
    pub(super) publishes: Publishes,
    pub(super) timeout: Duration,
    /// For a publisher of its own: how long its shutdown may take. A bus ends its publishers itself.
    pub(super) shutdown_deadline: Option<Duration>,
}

impl Outlet {
    pub(super) fn new(
        transport: Arc<dyn Transport>,
        window: usize,
        timeout: Duration,
        shutdown_deadline: Option<Duration>,
    ) -> Self {
        Outlet {
            transport,
            outside: semaphore(window),
            handlers: semaphore(window),
            phase: watch::Sender::new(Phase::Open),
            handed: AtomicU64::new(0),
            publishes: Publishes::new(),
            timeout,
            shutdown_deadline,
        }
    }

    /// Waits for room in the window.
    pub(super) async fn permit(
        &self,
        from_handler: bool,
        deadline: Instant,
    ) -> Result<OwnedSemaphorePermit, TransportError> {
        let window = Arc::clone(if from_handler {
            &self.handlers
        } else {
            &self.outside
        });
        if let Ok(permit) = Arc::clone(&window).try_acquire_owned() {
            return Ok(permit);
        }
        let mut phase = self.phase.subscribe();
        tokio::select! {
            permit = timeout_at(deadline, window.acquire_owned()) => match permit {
                Ok(permit) => permit.map_err(|_| TransportError::Closed),
                Err(_) => Err(TransportError::Full(
                    "as many publishes as `publish_window` allows are under way; raise `publish_window`, or publish \
                     less at once".to_owned(),
                )),
            },
            // The sender lives in `self`.
            _ = phase.wait_for(|phase| phase.refuses(from_handler)) => Err(TransportError::Closed),
        }
    }

    /// Hands an event to the transport, unless it is not to be published any more.
    pub(super) fn hand_over(
        &self,
        outgoing: Outgoing,
        confirm: Confirm,
    ) -> Result<(), TransportError> {
        // Borrowed over the hand-over, which never waits: when the phase has changed, what began before has been
        // handed over, and the drain waits for it.
        let phase = self.phase.borrow();
        if phase.refuses(outgoing.from_handler) {
            return Err(TransportError::Closed);
        }
        self.handed.fetch_add(1, Ordering::AcqRel);
        self.transport.publish(outgoing, confirm);
        Ok(())
    }

    /// From now on only handlers publish: what is published from outside could go on for ever.
    pub(super) fn drain(&self) {
        self.reach(Phase::Draining);
    }

    /// No publish begins any more.
    pub(super) fn close(&self) {
        self.reach(Phase::Closed);
    }

    /// How many publishes the transport was handed: the same before and after means that there was none in
    /// between.
    pub(super) fn handed(&self) -> u64 {
        self.handed.load(Ordering::Acquire)
    }

    fn reach(&self, next: Phase) {
        self.phase.send_if_modified(|phase| {
            let later = next > *phase;
            *phase = next.max(*phase);
            later
        });
    }
}

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
}
