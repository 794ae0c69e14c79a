//! the handler module `$CRATE::orders` is listed twice; remove one of the two
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw) {}
}

use self::orders as again;

#[event_bus(group = "shop", handlers = [orders, again])]
struct Shop;

fn main() {}
