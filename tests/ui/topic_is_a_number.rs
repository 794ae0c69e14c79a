//! `topic` is a string or an event's topic: write `topic = "orders.placed"` or `topic = OrderPlaced::TOPIC`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = 7, key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
