//! the key of an event is a field, `a.b`, `(a, b)`, `method()`, or `Unordered`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = id + 1)]
struct Placed {
    id: u64,
}

fn main() {}
