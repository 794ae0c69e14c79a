//! `Retry::attempts(1)` never tries again, and `at_most = 1` runs one at a time.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::time::Duration;

const NEVER_LONG: Duration = Duration::from_nanos(1);

#[event_handler(
    topic = "orders.placed",
    key = Record,
    retry = Retry::attempts(1).backoff(Duration::ZERO, Duration::ZERO),
    timeout = NEVER_LONG,
    at_most = 1
)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders.paid", key = Record, timeout = Duration::MAX, at_most = usize::MAX)]
async fn without_limits(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve, without_limits])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
