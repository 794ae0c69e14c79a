//! A key that is a constant puts all events of the topic into one order.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "orders.placed", key = "all")]
async fn one_by_one(Json(order): Json<Order>) {
    drop((order.id, order.customer));
}

#[event_bus(group = "shop", handlers = [one_by_one])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
