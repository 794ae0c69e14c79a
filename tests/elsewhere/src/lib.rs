//! Handlers in another crate than the bus that lists them.

use bus_runtime::prelude::*;

/// Takes the orders of the crate `tests`.
#[event_handler(topic = "orders.placed", key = Record)]
pub async fn ship(_: Raw) {}

/// Takes what nobody else takes.
#[event_handler(topic = "elsewhere.happened", key = Record)]
pub async fn note(_: Raw) {}
