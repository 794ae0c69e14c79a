//! Calls of the client that block.

use super::thread::spawn;
use crate::transport::TransportError;
use tokio::sync::oneshot;

/// Runs a call that blocks, on a thread of its own that is gone when this returns. The threads of an executor that are
/// meant for such calls would stay on for a while.
///
/// Dropped, it leaves the call to end by its own timeouts.
///
/// # Errors
///
/// When the system gives no thread, or the call panicked.
pub(super) async fn blocking<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TransportError> {
    let (done, result) = oneshot::channel();
    let thread = spawn(name, move || {
        // Dropped by whoever waited: nobody wants the result.
        let _ = done.send(work());
    })?;
    let result = result.await;
    // It has nothing left to do but to end.
    match (thread.join(), result) {
        (Ok(()), Ok(result)) => Ok(result),
        _ => Err(TransportError::Refused(format!(
            "the thread `{name}` panicked"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[tokio::test]
    async fn the_result_comes_from_a_thread_of_that_name() {
        let name = blocking("kafka-test", || thread::current().name().map(str::to_owned)).await;
        assert_eq!(name.expect("it ran").as_deref(), Some("kafka-test"));
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let result = blocking("kafka-test", || -> () { panic!("on purpose") }).await;
        let error = result.expect_err("it panicked").to_string();
        assert!(error.contains("`kafka-test` panicked"), "{error}");
    }
}
