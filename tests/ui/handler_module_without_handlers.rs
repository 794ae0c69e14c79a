//! `orders` holds no handler: write `#[event_handler(topic = …)]` on a function in it
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    async fn reserve(_: Raw) {}
}

#[event_bus(group = "shop", handlers = [orders])]
struct Shop;

fn main() {}
