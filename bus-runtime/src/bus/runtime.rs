//! Whether a bus can run where it is started.

use super::StartError;
use std::panic::catch_unwind;
use std::time::Duration;
use tokio::net::UnixDatagram;
use tokio::runtime::Handle;

/// The runtime that the caller is on, if everything that a bus needs is enabled on it.
pub(super) fn runtime() -> Result<Handle, StartError> {
    let missing = |what| StartError::NoRuntime { what };
    let runtime = Handle::try_current().map_err(|_| missing("there is no tokio runtime"))?;
    // There is no way to ask a runtime for its drivers: what needs a missing one panics as it is made.
    if catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_err() {
        return Err(missing("the tokio runtime has no timers"));
    }
    // Where the system gives no socket, that is for whoever needs one to say.
    if catch_unwind(|| drop(UnixDatagram::unbound())).is_err() {
        return Err(missing("the tokio runtime has no I/O"));
    }
    Ok(runtime)
}
