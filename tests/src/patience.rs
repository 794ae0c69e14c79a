//! How long a test waits for what must happen.

use crate::seen::eventually;
use std::future::Future;
use tokio::time::timeout;

pub use crate::on::PATIENCE;

/// Waits for what must happen.
///
/// # Panics
///
/// When it does not happen within [`PATIENCE`].
#[track_caller]
pub fn within<T>(what: &str, happens: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let value = timeout(PATIENCE, happens).await;
        value.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}, {caller}"))
    }
}

/// Waits until a condition holds that nothing announces: asks again and again.
///
/// # Panics
///
/// When it does not hold within [`PATIENCE`].
#[track_caller]
pub fn until<'a>(
    what: &'a str,
    mut holds: impl FnMut() -> bool + 'a,
) -> impl Future<Output = ()> + 'a {
    eventually(what, move || holds().then_some(()))
}
