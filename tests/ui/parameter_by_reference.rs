//! event handlers own their parameters; remove the `&`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(order: &Json<Order>) {}

fn main() {}
