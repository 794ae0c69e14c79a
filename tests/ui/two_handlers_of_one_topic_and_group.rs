//! `$CRATE::first` and `$CRATE::second` both handle topic `orders.placed` in group `audit`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, group = "audit")]
async fn first(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered, group = "audit")]
async fn second(_: Raw) {}

#[event_bus(group = "shop", handlers = [first, second])]
struct Shop;

fn main() {}
