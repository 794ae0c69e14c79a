//! the event has no field `custmer_id`; did you mean `customer_id`?
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = custmer_id)]
struct Placed {
    customer_id: u64,
}

fn main() {}
