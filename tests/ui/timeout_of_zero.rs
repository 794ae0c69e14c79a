//! evaluation panicked: a `timeout` of zero would end every attempt before it begins
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, timeout = std::time::Duration::ZERO)]
async fn reserve(_: Raw) {}

fn main() {}
