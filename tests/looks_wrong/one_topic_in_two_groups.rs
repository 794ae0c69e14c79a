//! Two handlers of one topic are no duplicate where their groups differ.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered, group = "audit")]
async fn audit(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve, audit])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
