//! expected a name behind `customer_id.`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced::TOPIC, key = (order.customer_id., order.))]
async fn reserve(Json(order): Json<OrderPlaced>) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {}
