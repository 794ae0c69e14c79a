//! Handlers in another crate than the bus that lists them.

use bus_runtime::prelude::*;

/// Takes the orders of the crate `tests`.
#[event_handler(topic = "orders.placed", key = Record)]
pub async fn ship(_: Raw) {}

/// Takes what nobody else takes.
#[event_handler(topic = "elsewhere.happened", key = Record)]
pub async fn note(_: Raw) {}

/// A bus of a library, which a service's own bus must not run beside.
#[event_bus(group = "elsewhere", handlers = [note])]
#[derive(Debug)]
pub struct Elsewhere;
