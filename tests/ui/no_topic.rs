//! missing `topic`: which topic does this handler take? Write `topic = OrderPlaced::TOPIC`, or `topic = "orders.placed"` with a `key`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
