//! an event handler cannot return `u32`: return nothing, an `Outcome`, or a `Result` of one of these
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) -> u32 {
    1
}

fn main() {}
