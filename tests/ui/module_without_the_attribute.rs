//! cannot find function `__has_attribute_event_handlers` in module `orders`
#![allow(unused)]

use bus_runtime::prelude::*;

mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub async fn reserve(_: Raw) {}
}

#[event_bus(group = "shop", handlers = [orders])]
struct Shop;

fn main() {}
