//! What the macros write, under the lints of a strict crate.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]

use bus_runtime::prelude::*;
use std::time::Duration;

/// An order was placed.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = (shop, customer_id))]
pub struct OrderPlaced {
    /// Where.
    pub shop: u32,
    /// Whose it is.
    pub customer_id: String,
}

/// What became of an order.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.changed", key = id)]
pub enum OrderChanged {
    /// Paid.
    Paid {
        /// Which.
        id: u64,
    },
    /// Cancelled.
    Cancelled {
        /// Which.
        id: u64,
        /// Why.
        reason: String,
    },
}

/// Does nothing, without waiting.
#[event_handler(
    topic = OrderPlaced::TOPIC,
    key = order.customer_id,
    group = "audit",
    retry = Retry::attempts(3).backoff(Duration::from_millis(10), Duration::from_secs(1)),
    timeout = Duration::from_secs(5),
    at_most = 8,
    permanent = |error| error.kind() == std::io::ErrorKind::NotFound,
)]
async fn reserve(Json(order): Json<OrderPlaced>, headers: Headers) -> std::io::Result<()> {
    drop((order, headers));
    Ok(())
}

/// Does nothing.
#[derive(Debug)]
pub struct Quiet;

impl Layer for Quiet {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        next.await
    }
}

/// Takes every change.
#[event_handler(topic = OrderChanged::TOPIC, layers = [Quiet])]
pub async fn follow(Json(change): Json<OrderChanged>, publisher: Publisher, stop: Stop) {
    drop((change, publisher, stop));
}

/// Every event the shop handles.
#[event_bus(group = "shop", layers = [Quiet], handlers = [reserve, follow])]
pub struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
