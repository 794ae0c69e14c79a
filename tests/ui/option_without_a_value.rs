//! `timeout` has no value: write `timeout = …`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, timeout)]
async fn reserve(_: Raw) {}

fn main() {}
