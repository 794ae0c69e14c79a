//! `#[event_bus]` goes on a struct: write `#[event_handlers]` on this module, and list it in a bus, as in `handlers = [orders]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop")]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw) {}
}

fn main() {}
