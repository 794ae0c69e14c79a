//! no field `custmer_id` on type `&Order`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = order.custmer_id)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
