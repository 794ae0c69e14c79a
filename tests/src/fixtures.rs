//! What the programs in `ui` and `pass` are about.

use bus_runtime::Event;
use serde::{Deserialize, Serialize};

/// An event.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer_id)]
pub struct OrderPlaced {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub customer_id: String,
    /// In some currency.
    pub total: f64,
}

/// What can be an event's payload, and has no topic of its own.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Its number.
    pub id: u64,
    /// Whose it is.
    pub customer_id: String,
    /// In some currency.
    pub total: f64,
}

/// A part of a state.
#[derive(Clone, Debug)]
pub struct Db;
