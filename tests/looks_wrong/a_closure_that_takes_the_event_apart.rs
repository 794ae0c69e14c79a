//! A key's closure may take the event apart, and ignore the parameter's name.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "orders.placed", key = |Order { customer, .. }| customer)]
async fn reserve(Json(anything): Json<Order>) {
    drop((anything.id, anything.customer));
}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
