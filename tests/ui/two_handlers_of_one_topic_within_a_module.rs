//! `$CRATE::orders::reserve` and `$CRATE::orders::stock::count` both handle topic `orders.placed` in group `stock`; give one of them another `group`, or remove it
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", group = "stock", key = Unordered)]
    async fn reserve(_: Raw) {}

    #[event_handlers]
    mod stock {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.placed", group = "stock", key = Unordered)]
        async fn count(_: Raw) {}
    }
}

#[event_bus(group = "shop", handlers = [orders])]
struct Shop;

fn main() {}
