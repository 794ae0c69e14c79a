//! `topic` is one topic: write a handler for each, which may call the same function
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = ["orders.placed", "orders.paid"], key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
