//! Asking for the health from elsewhere.

use super::{Board, Health};
use std::fmt;
use std::sync::Arc;

/// Tells how the bus is, wherever it is kept: for an HTTP endpoint that an orchestrator asks. Cheap to clone, and
/// needs nothing of the bus: once that has ended, it says so.
///
/// ```
/// use bus_runtime::HealthCheck;
/// use bus_runtime::prelude::*;
///
/// /// What `GET /ready` answers; `GET /live` does the same with `health.live`.
/// fn ready(check: &HealthCheck) -> (u16, String) {
///     let health = check.health();
///     let status = if health.ready { 200 } else { 503 };
///     (status, serde_json::to_string(&health).unwrap_or_default())
/// }
///
/// # #[event_bus(group = "shop", handlers = [])]
/// # struct Shop;
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Shop::new(Config::memory()).start().await?;
/// let check = bus.health_check();
/// assert_eq!(ready(&check).0, 200);
/// bus.shutdown().await?;
/// assert_eq!(ready(&check).0, 503);
/// # Ok(()) }
/// ```
///
/// With axum, the check is the router's state, and `(StatusCode, axum::Json(health))` the answer.
#[derive(Clone)]
pub struct HealthCheck(Arc<Board>);

impl HealthCheck {
    pub(crate) fn new(board: Arc<Board>) -> Self {
        HealthCheck(board)
    }

    /// Whether the bus is alive and ready, and what is wrong with it. Neither waits nor asks the broker: it is what
    /// the bus knows, from a second ago at most.
    #[must_use]
    pub fn health(&self) -> Health {
        self.0.health()
    }
}

impl fmt::Debug for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HealthCheck").field(&self.health()).finish()
    }
}
