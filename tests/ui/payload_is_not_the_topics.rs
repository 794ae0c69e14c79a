//! the topic carries `OrderPlaced`, which a handler takes as `bus_runtime::Json<OrderPlaced>` or as `Raw`, not as `bus_runtime::Json<Order>`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::{Order, OrderPlaced};

#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
