//! `timeout` is a `Duration`, which has a unit: write `timeout = Duration::from_secs(5)`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, timeout = 5)]
async fn reserve(_: Raw) {}

fn main() {}
