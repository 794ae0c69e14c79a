//! `at_most` is a number of events: write `at_most = 8`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, at_most = "8")]
async fn reserve(_: Raw) {}

fn main() {}
