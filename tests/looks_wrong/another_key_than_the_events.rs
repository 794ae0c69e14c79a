//! A handler may order an event's topic by another key than the event's own.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer)]
struct Placed {
    id: u64,
    customer: String,
}

#[event_handler(topic = Placed::TOPIC, key = order.id)]
async fn by_order(Json(order): Json<Placed>) {
    drop(order);
}

#[event_handler(topic = Placed::TOPIC, key = Unordered, group = "audit")]
async fn in_no_order(_: Json<Placed>) {}

#[event_bus(group = "shop", handlers = [by_order, in_no_order])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
