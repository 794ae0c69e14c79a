//! A tuple of one part is a key, and so is a tuple within a tuple.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "k.one", key = (order.id,))]
async fn one(Json(order): Json<Order>) {
    drop(order.customer);
}

#[event_handler(topic = "k.nested", key = ((order.id, true), order.customer))]
async fn nested(Json(order): Json<Order>) {
    drop(order);
}

#[event_bus(group = "shop", handlers = [one, nested])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
