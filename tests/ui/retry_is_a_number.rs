//! `retry` is a `Retry`: write `retry = Retry::attempts(5)`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, retry = 5)]
async fn reserve(_: Raw) {}

fn main() {}
