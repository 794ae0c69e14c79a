//! `Placed` cannot be written and read: add `#[derive(Serialize, Deserialize)]` to it
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Event)]
#[event(topic = "orders.placed", key = id)]
struct Placed {
    id: u64,
}

fn main() {}
