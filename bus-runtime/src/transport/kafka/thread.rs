//! Threads of the transport's own.

use crate::observe;
use crate::transport::TransportError;
use std::thread::JoinHandle;

/// A thread that logs to where the one that starts it does.
///
/// # Errors
///
/// When the system gives no thread.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, TransportError> {
    observe::spawn(name, work).map_err(|error| {
        TransportError::Refused(format!("the system gives no thread for `{name}`: {error}"))
    })
}
