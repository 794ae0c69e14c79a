//! an event handler cannot return a `Result` of `u32`: return `Result<()>` or `Result<Outcome>`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) -> Result<u32> {
    Ok(1)
}

fn main() {}
