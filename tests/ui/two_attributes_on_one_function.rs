//! a handler takes one topic: write a second `#[event_handler]` function, and let it call this one
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
#[event_handler(topic = "orders.paid", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {}
