//! `$CRATE::reserve` and `elsewhere::ship` both handle topic `orders.placed`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(Json(order): Json<OrderPlaced>) {}

#[event_bus(group = "shop", handlers = [reserve, elsewhere::ship])]
struct Shop;

fn main() {}
