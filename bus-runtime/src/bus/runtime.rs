//! Whether a bus can run where it is started.

use super::StartError;
use std::panic::catch_unwind;
use std::time::Duration;
use tokio::runtime::Handle;

/// The runtime that the caller is on, if it has timers. There is no way to ask a runtime for its drivers: what
/// needs a missing one panics as it is made.
pub(super) fn runtime() -> Result<Handle, StartError> {
    let runtime = Handle::try_current().map_err(|_| missing("there is no tokio runtime"))?;
    if catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO))).is_err() {
        return Err(missing("the tokio runtime has no timers"));
    }
    Ok(runtime)
}

/// Whether that runtime has I/O, which a broker that is reached over the network needs.
#[cfg(feature = "nats")]
pub(super) fn network() -> Result<(), StartError> {
    // Where the system gives no socket, that is for whoever connects to say.
    if catch_unwind(|| drop(tokio::net::UnixDatagram::unbound())).is_err() {
        return Err(missing("the tokio runtime has no I/O"));
    }
    Ok(())
}

fn missing(what: &'static str) -> StartError {
    StartError::NoRuntime { what }
}
