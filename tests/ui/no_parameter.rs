//! event handlers take the event as their first parameter, as in `Json(order): Json<Order>`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve() {}

fn main() {}
