//! `topic` is the event's topic, not its type: write `topic = OrderPlaced::TOPIC`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced)]
async fn reserve(Json(order): Json<OrderPlaced>) {}

fn main() {}
