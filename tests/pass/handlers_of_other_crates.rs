//! A bus that lists handlers of another crate.

#![deny(warnings)]

use bus_runtime::prelude::*;
use elsewhere::ship as deliver;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced::TOPIC, group = "stock")]
async fn reserve(Json(order): Json<OrderPlaced>) {
    drop(order);
}

#[event_bus(group = "shop", handlers = [reserve, deliver, elsewhere::note])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
