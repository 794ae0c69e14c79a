//! `f64` cannot be a routing key
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = order.total)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
