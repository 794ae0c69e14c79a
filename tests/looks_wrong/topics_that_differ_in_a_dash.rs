//! Only `.` and `_` are alike to a broker: `-` is another character.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Unordered)]
async fn dotted(_: Raw) {}

#[event_handler(topic = "orders-placed", key = Unordered)]
async fn dashed(_: Raw) {}

#[event_bus(group = "shop", handlers = [dotted, dashed])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
