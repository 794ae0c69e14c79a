//! A key may be borrowed, twice too, cloned, or a slice of the event's.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "k.borrowed", key = &&order.customer)]
async fn borrowed(Json(order): Json<Order>) {
    drop(order);
}

#[event_handler(topic = "k.cloned", key = order.customer.clone())]
async fn cloned(Json(order): Json<Order>) {
    drop((order.id, order.customer));
}

#[event_handler(topic = "k.sliced", key = order.customer.get(..1).unwrap_or(""))]
async fn sliced(Json(order): Json<Order>) {
    drop(order);
}

#[event_bus(group = "shop", handlers = [borrowed, cloned, sliced])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
