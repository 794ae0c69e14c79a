//! `$CRATE::reserve` is listed twice; remove one of the two
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve, reserve])]
struct Shop;

fn main() {}
