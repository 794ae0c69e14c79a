//! an event cannot be generic: a topic carries one type, which owns what it holds
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = id)]
struct Placed<T> {
    id: T,
}

fn main() {}
