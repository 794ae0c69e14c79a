//! no associated item named `TOPIC` found for struct `Order` in the current scope
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = Order::TOPIC)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
