//! `Order` is not an event payload: a handler's first parameter is the event, as in `Json(order): Json<Order>`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(order: Order) {}

fn main() {}
