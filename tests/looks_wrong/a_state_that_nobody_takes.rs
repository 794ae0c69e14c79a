//! A bus may have a state that none of its handlers takes.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Record)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", state = Vec<String>, handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
