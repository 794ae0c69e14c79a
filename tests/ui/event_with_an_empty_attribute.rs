//! write `#[event(topic = "orders.placed", key = …)]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event]
struct Placed {
    id: u64,
}

fn main() {}
