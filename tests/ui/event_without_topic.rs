//! missing `topic`: write `#[event(topic = "orders.placed", key = …)]` below the `derive`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(key = id)]
struct Placed {
    id: u64,
}

fn main() {}
