//! `$CRATE::orders::refunds::refund` is listed twice, through `$CRATE::orders::refunds` and through `$CRATE::orders`; remove one of the two
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    #[bus_runtime::event_handlers]
    pub mod refunds {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.returned", key = Unordered)]
        async fn refund(_: Raw) {}
    }
}

#[event_bus(group = "shop", handlers = [orders::refunds, orders])]
struct Shop;

fn main() {}
