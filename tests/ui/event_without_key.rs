//! missing `key`: events with equal keys are handled in order, one at a time. Write `#[event(key = customer_id)]`, with a field, `a.b`, `(a, b)` or `method()`, or `key = Unordered`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed")]
struct Placed {
    id: u64,
}

fn main() {}
