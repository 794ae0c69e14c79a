//! `$CRATE::reserve` and `$CRATE::billing::charge` both handle topic `orders.placed`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced::TOPIC)]
async fn reserve(Json(order): Json<OrderPlaced>) {}

mod billing {
    use super::*;

    #[event_handler(topic = "orders.placed", key = order.id)]
    pub async fn charge(Json(order): Json<OrderPlaced>) {}
}

#[event_bus(group = "shop", handlers = [reserve, billing::charge])]
struct Shop;

fn main() {}
