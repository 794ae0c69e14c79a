//! Where handlers write down what they see, and what they wait for.

use crate::on::PATIENCE;
use std::fmt::Debug;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// What handlers have seen, in the order in which they saw it. Cheap to clone.
#[derive(Debug)]
pub struct Seen<T>(Arc<watch::Sender<Vec<T>>>);

impl<T> Seen<T> {
    /// Writes down one more.
    pub fn add(&self, entry: T) {
        self.0.send_modify(|entries| entries.push(entry));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Waits until there are so many at least.
    ///
    /// # Panics
    ///
    /// When there are not after [`PATIENCE`].
    pub async fn at_least(&self, count: usize) {
        let mut entries = self.0.subscribe();
        let reached = timeout(PATIENCE, entries.wait_for(|seen| seen.len() >= count));
        let reached = reached.await.map(|seen| seen.is_ok());
        assert!(reached.is_ok(), "{} of {count} seen", self.count());
    }
}

impl<T: Clone> Seen<T> {
    /// All, up to now.
    pub fn all(&self) -> Vec<T> {
        self.0.borrow().clone()
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Seen(Arc::new(watch::Sender::new(Vec::new())))
    }
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Seen(Arc::clone(&self.0))
    }
}

/// What handlers wait for; closed at first. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// Lets everybody through, from now on.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        *self.0.borrow()
    }

    /// How many wait for it now: each from the first poll of [`opened`](Gate::opened) until it resolves or is dropped.
    #[must_use]
    pub fn waiting(&self) -> usize {
        // Only `opened` subscribes. Who is counted sees the opening, since `wait_for` looks before it waits.
        self.0.receiver_count()
    }

    /// Resolves when it is open.
    pub async fn opened(&self) {
        let mut open = self.0.subscribe();
        // The sender lives in `self`.
        drop(open.wait_for(|open| *open).await);
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate(Arc::new(watch::Sender::new(false)))
    }
}

/// Waits until `found` finds something, where nothing says when that is.
///
/// # Panics
///
/// When it has not after [`PATIENCE`].
#[track_caller]
pub fn eventually<T>(
    what: impl Debug,
    mut found: impl FnMut() -> Option<T>,
) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(
                Instant::now() < deadline,
                "{what:?}: not within {PATIENCE:?}, {caller}"
            );
            sleep(std::time::Duration::from_millis(2)).await;
        }
    }
}
