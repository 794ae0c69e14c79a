//! function `ship` is never used
#![deny(dead_code)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub async fn reserve(_: Raw) {}

    #[event_handler(topic = "orders.paid", key = Unordered)]
    pub async fn ship(_: Raw) {}
}

#[event_bus(group = "shop", handlers = [orders::reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
