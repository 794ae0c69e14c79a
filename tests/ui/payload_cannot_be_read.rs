//! the trait bound `NotSerde: serde::Deserialize<'de>` is not satisfied
#![allow(unused)]

use bus_runtime::prelude::*;

struct NotSerde {
    id: u64,
}

#[event_handler(topic = "orders.placed", key = order.id)]
async fn reserve(Json(order): Json<NotSerde>) {}

fn main() {}
