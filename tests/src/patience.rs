//! How long a test waits for what must happen.

use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// Far longer than anything takes, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must happen.
///
/// # Panics
///
/// When it does not happen within [`PATIENCE`].
#[track_caller]
pub fn within<T>(what: &str, happens: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(PATIENCE, happens).await {
            Ok(value) => value,
            Err(_) => panic!("{what}: not within {PATIENCE:?}, {caller}"),
        }
    }
}

/// Waits until a condition holds that nothing announces: asks again and again.
///
/// # Panics
///
/// When it does not hold within [`PATIENCE`].
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            assert!(
                Instant::now() < deadline,
                "{what}: not within {PATIENCE:?}, {caller}"
            );
            sleep(Duration::from_millis(1)).await;
        }
    }
}
