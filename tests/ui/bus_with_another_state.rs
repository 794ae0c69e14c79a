//! `reserve` cannot be a handler of this bus: its attribute says another `state` than the bus's, `()`
#![allow(unused)]

use bus_runtime::prelude::*;

struct AppState;

#[event_handler(topic = "orders.placed", key = Unordered, state = AppState)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {}
