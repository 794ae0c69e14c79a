//! `#[event_handler]` goes on each `async fn`; the module that holds them takes `#[event_handlers]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed")]
mod orders {
    use bus_runtime::prelude::*;

    async fn reserve(_: Raw) {}
}

fn main() {}
