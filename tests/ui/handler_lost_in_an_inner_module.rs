//! `refund` would be lost: write `#[event_handlers]` on the inner module `refunds` too, or move the handler out of it
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw) {}

    mod refunds {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.returned", key = Unordered)]
        async fn refund(_: Raw) {}
    }
}

#[event_bus(group = "shop", handlers = [orders])]
struct Shop;

fn main() {}
