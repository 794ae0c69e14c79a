//! the bus's state `()` has no `Db`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Db;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw, State(db): State<Db>) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {}
