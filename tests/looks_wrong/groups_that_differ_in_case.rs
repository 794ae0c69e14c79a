//! Groups are compared byte by byte: `audit` and `Audit` are two.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Unordered, group = "audit")]
async fn lower(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered, group = "Audit")]
async fn upper(_: Raw) {}

#[event_bus(group = "shop", handlers = [lower, upper])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
