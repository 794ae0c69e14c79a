//! event handlers cannot be generic: the bus must know every type it decodes
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve<T>(Json(order): Json<T>) {}

fn main() {}
