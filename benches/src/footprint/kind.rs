//! Tasks by kind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinHandle;

/// A kind of task: counts those that have not ended.
#[derive(Clone, Debug)]
pub struct Kind {
    /// What it is called.
    pub name: &'static str,
    alive: Arc<AtomicUsize>,
}

impl Kind {
    /// A kind without a task.
    #[must_use]
    pub fn named(name: &'static str) -> Self {
        Kind {
            name,
            alive: Arc::default(),
        }
    }

    /// Spawns a task of this kind.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        self.alive.fetch_add(1, Ordering::Relaxed);
        let alive = Alive(Arc::clone(&self.alive));
        tokio::spawn(async move {
            let _alive = alive;
            task.await;
        })
    }

    /// How many have not ended.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.alive.load(Ordering::Relaxed)
    }
}

/// A task that has not ended.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
