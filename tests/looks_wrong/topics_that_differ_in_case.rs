//! Topics are compared byte by byte, and no broker folds their case.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Unordered)]
async fn lower(_: Raw) {}

#[event_handler(topic = "Orders.Placed", key = Unordered)]
async fn upper(_: Raw) {}

#[event_bus(group = "shop", handlers = [lower, upper])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
