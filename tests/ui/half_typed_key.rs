//! expected a name behind the `.`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = order.)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
