//! Another team's handlers, which know nothing of the first one's.

use bus_runtime::prelude::*;
use contracts::OrderPaid;

/// Ships an order that was paid.
#[event_handler(topic = OrderPaid::TOPIC)]
pub async fn ship(Json(paid): Json<OrderPaid>) {
    println!("shipped order {}", paid.order);
}
