//! `bool` is not an extractor: after the event, a handler may take `State<T>`, `Headers`, `Key`, `Metadata`, `Publisher`, `Stop`, or a type that implements `FromEvent`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw, express: bool) {}

fn main() {}
