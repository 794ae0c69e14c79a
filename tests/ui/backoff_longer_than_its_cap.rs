//! `backoff(first, cap)`: the first wait is longer than the longest
#![allow(unused)]

use bus_runtime::prelude::*;

use std::time::Duration;

#[event_handler(
    topic = "orders.placed",
    key = Unordered,
    retry = Retry::attempts(3).backoff(Duration::from_secs(60), Duration::from_secs(1))
)]
async fn reserve(_: Raw) {}

fn main() {}
