//! `$CRATE::orders::reserve` is listed twice, by itself and through `$CRATE::orders`; remove one of the two
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub async fn reserve(_: Raw) {}
}

use orders::reserve;

#[event_bus(group = "shop", handlers = [orders, reserve])]
struct Shop;

fn main() {}
