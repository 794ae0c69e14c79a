//! an event bus has no fields of its own: write `struct Shop;`, and share data as `state = AppState`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
struct Shop {
    orders: usize,
}

fn main() {}
