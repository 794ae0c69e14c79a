//! expected a name behind `order.`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = order.)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
