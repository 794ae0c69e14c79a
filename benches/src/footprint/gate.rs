//! Where handlers wait.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Handlers wait here, until it opens.
#[derive(Clone, Debug)]
pub struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    /// A closed one.
    #[must_use]
    pub fn closed() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Gate {
            arrived: closed(),
            open: closed(),
        }
    }

    /// Waits, as a handler, until the gate opens.
    ///
    /// # Panics
    ///
    /// Never: the gate is not closed while somebody has it.
    pub async fn pass(&self) {
        self.arrived.add_permits(1);
        let open = self.open.acquire().await;
        open.expect("it is never closed").forget();
    }

    /// Waits until so many handlers wait.
    ///
    /// # Panics
    ///
    /// Never: the gate is not closed while somebody has it.
    pub async fn arrived(&self, handlers: u32) {
        let arrived = self.arrived.acquire_many(handlers).await;
        arrived.expect("it is never closed").forget();
    }

    /// Lets so many handlers pass.
    pub fn open(&self, handlers: u32) {
        self.open.add_permits(handlers as usize);
    }
}
