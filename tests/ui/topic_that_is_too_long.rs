//! evaluation panicked: a topic has at most 200 bytes
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
