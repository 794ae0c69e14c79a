//! the topics `orders.placed` (`$CRATE::reserve`) and `orders_placed` (`$CRATE::count`) differ only in `.` and `_`, which Kafka refuses; rename one of them
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders_placed", key = Unordered)]
async fn count(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve, count])]
struct Shop;

fn main() {}
