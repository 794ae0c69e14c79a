//! unknown option `retries`; did you mean `retry = Retry::attempts(3)`? It counts the first attempt; `.backoff(first, cap)` behind it sets the waits in between
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, retries = 3)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders.paid", key = Unordered, max_attempts = 3, backoff = Duration::from_secs(1))]
async fn send(_: Raw) {}

fn main() {}
