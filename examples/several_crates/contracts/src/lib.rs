//! What the teams agree on: topics, payloads, keys. No handler, and no bus.

use bus_runtime::prelude::*;

/// An order was placed.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = order)]
pub struct OrderPlaced {
    /// Its number.
    pub order: u64,
    /// What it costs.
    pub cents: u64,
}

/// An order was paid.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.paid", key = order)]
pub struct OrderPaid {
    /// Its number.
    pub order: u64,
}
