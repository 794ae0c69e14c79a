//! mismatched types
#![allow(unused)]

use bus_runtime::prelude::*;

fn is_permanent(_: &std::fmt::Error) -> bool {
    true
}

#[event_handler(topic = "orders.placed", key = Unordered, permanent = is_permanent)]
async fn reserve(_: Raw) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
