//! What is published and what handles it.

use bus_runtime::EventId;
use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An order was placed: also what a client sends.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer)]
pub struct OrderPlaced {
    /// Who ordered: the orders of one customer are handled in their order.
    pub customer: String,
    /// What was ordered.
    pub item: String,
}

/// Reserves what was ordered.
#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(Json(order): Json<OrderPlaced>, State(stock): State<Stock>, about: Metadata) {
    let is_new = stock.reserve(about.id, order.item);
    tracing::info!(order.customer, is_new, "reserved");
}

/// Every event the shop handles.
#[event_bus(group = "shop", state = Stock, handlers = [reserve])]
pub struct Shop;

/// What is reserved. It stands for a table whose primary key is the event's id, so that an event which comes again
/// changes nothing: after a crash, or since a client that heard no answer has sent its order again.
#[derive(Clone, Debug, Default)]
pub struct Stock(Arc<Mutex<HashMap<EventId, String>>>);

impl Stock {
    fn reserve(&self, event: EventId, item: String) -> bool {
        let mut reserved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.insert(event, item).is_none()
    }

    /// How many items are reserved.
    #[must_use]
    pub fn reserved(&self) -> usize {
        let reserved = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        reserved.len()
    }
}
