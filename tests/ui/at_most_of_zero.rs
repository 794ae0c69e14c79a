//! evaluation panicked: `at_most = 0` would never run the handler; 1 is the smallest share
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, at_most = 0)]
async fn reserve(_: Raw) {}

fn main() {}
