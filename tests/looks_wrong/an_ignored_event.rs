//! A handler may ignore the event's content, and the whole event.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "orders.counted", key = Record)]
async fn count(_: Json<Order>, _: Metadata) {}

#[event_handler(topic = "orders.seen", key = order.id)]
async fn see(Json(order): Json<Order>) {
    let Order { id: _, customer: _ } = order;
}

#[event_bus(group = "shop", handlers = [count, see])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
