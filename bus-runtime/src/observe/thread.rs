//! Threads of the bus's own.

use std::io;
use std::thread::{Builder, JoinHandle};
use tracing::dispatcher::{self, Dispatch};
use tracing::subscriber::NoSubscriber;

/// A thread that logs to where the one that starts it does. A subscriber that is set for the threads of an executor
/// alone would not have it otherwise.
///
/// # Errors
///
/// When the system gives no thread.
pub(crate) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let subscriber = dispatcher::get_default(Dispatch::clone);
    Builder::new().name(name.to_owned()).spawn(move || {
        // Where there is none, one may be set for the process later.
        let _default =
            (!subscriber.is::<NoSubscriber>()).then(|| dispatcher::set_default(&subscriber));
        work();
    })
}
