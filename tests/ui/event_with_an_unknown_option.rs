//! unknown option `tpoic`; did you mean `topic`?
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(tpoic = "orders.placed", key = id)]
struct Placed {
    id: u64,
}

fn main() {}
