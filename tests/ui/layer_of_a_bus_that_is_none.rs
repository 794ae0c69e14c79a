//! `Limit` is not a layer: implement `Layer` for it
#![allow(unused)]

use bus_runtime::prelude::*;

struct Limit(usize);

#[event_handler(topic = "orders.placed", key = Record)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", layers = [Limit(8)], handlers = [reserve])]
struct Shop;

fn main() {}
