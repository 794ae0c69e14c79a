//! the variant `Cancelled` has no field `order_id`; it has `reason`. A key is a field that all variants have, or a `method()`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.changed", key = order_id)]
enum Changed {
    Paid { order_id: u64 },
    Cancelled { reason: String },
}

fn main() {}
