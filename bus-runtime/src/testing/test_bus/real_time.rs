//! Time as it passes on the machine.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// So much time of the machine, whatever tokio's clock says, which a test may have stopped. Kept by a thread, which
/// ends when this is dropped.
#[derive(Debug)]
pub(super) struct RealTime {
    over: oneshot::Receiver<()>,
    _keeps: Sender<()>,
}

impl RealTime {
    /// From now on. Where the system gives no thread, it is over at once.
    pub(super) fn of(time: Duration) -> Self {
        let (keeps, dropped) = channel();
        let (ends, over) = oneshot::channel();
        let thread = thread::Builder::new().name("test-bus-time".to_owned());
        let kept = thread.spawn(move || {
            if dropped.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                // Who waited may have gone meanwhile.
                ends.send(()).unwrap_or_default();
            }
        });
        drop(kept);
        RealTime {
            over,
            _keeps: keeps,
        }
    }

    /// Resolves when it is over.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again until it has resolved.
    pub(super) async fn over(&mut self) {
        drop((&mut self.over).await);
    }
}
