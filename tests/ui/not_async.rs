//! event handlers are `async fn`s; add `async`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
fn reserve(_: Raw) {}

fn main() {}
