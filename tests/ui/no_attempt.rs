//! evaluation panicked: an event is attempted at least once: `Retry::attempts(1)` never retries
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, retry = Retry::attempts(0))]
async fn reserve(_: Raw) {}

fn main() {}
