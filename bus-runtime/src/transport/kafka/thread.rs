//! Threads of the transport's own.

use crate::transport::TransportError;
use std::thread::{Builder, JoinHandle};
use tracing::dispatcher::{self, Dispatch};
use tracing::subscriber::NoSubscriber;

/// A thread that logs to where the one that starts it does. A subscriber that is set for the threads of an executor
/// alone would not have it otherwise.
///
/// # Errors
///
/// When the system gives no thread.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, TransportError> {
    let subscriber = dispatcher::get_default(Dispatch::clone);
    let thread = Builder::new().name(name.to_owned()).spawn(move || {
        // Where there is none, one may be set for the process later.
        let _default =
            (!subscriber.is::<NoSubscriber>()).then(|| dispatcher::set_default(&subscriber));
        work();
    });
    thread.map_err(|error| {
        TransportError::Refused(format!("the system gives no thread for `{name}`: {error}"))
    })
}
