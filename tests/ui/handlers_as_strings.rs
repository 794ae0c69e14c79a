//! `handlers` lists the handlers' paths, which are no strings: remove the quotes
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = ["reserve"])]
struct Shop;

fn main() {}
