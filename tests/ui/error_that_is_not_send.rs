//! `Box<dyn std::error::Error>` cannot be a handler's error
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {}
