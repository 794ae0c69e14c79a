//! function `forgotten` is never used
#![deny(dead_code)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn listed(_: Raw) {}

#[event_handler(topic = "orders.paid", key = Unordered)]
async fn forgotten(_: Raw) {}

#[event_bus(group = "shop", handlers = [listed])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
