//! A topic that begins as another one does is not the same, nor below it.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders", key = Unordered)]
async fn all(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn placed(_: Raw) {}

#[event_bus(group = "shop", handlers = [all, placed])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
