//! `Refused` cannot be a handler's error: implement `std::error::Error + Send + Sync` for it, or return `bus_runtime::Result`, whose `?` takes any such error
#![allow(unused)]

use bus_runtime::prelude::*;

struct Refused;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) -> Result<(), Refused> {
    Ok(())
}

fn main() {}
