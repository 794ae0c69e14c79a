//! missing `#[event(…)]`: write `#[event(topic = "orders.placed", key = customer_id)]` below the `derive`. The key is a field, `a.b`, `(a, b)` or `method()`, or `Unordered`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
struct Placed {
    id: u64,
}

fn main() {}
