//! an event is a struct or an enum, not a union
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Event)]
#[event(topic = "orders.placed", key = id)]
union Placed {
    id: u64,
}

fn main() {}
