//! `#[event_handler]` goes on an `async fn`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
struct Reserve;

fn main() {}
