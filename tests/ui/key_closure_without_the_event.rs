//! a closure that is a key takes the event: write `key = |order| order.customer_id`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = || 7)]
async fn reserve(_: Raw) {}

fn main() {}
