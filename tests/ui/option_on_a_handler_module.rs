//! `group` is not an option of a handler module, which only gathers its handlers: write it on each `#[event_handler]`, or on the bus
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers(group = "audit")]
mod audit {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw) {}
}

fn main() {}
