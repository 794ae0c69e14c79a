//! `handlers` takes no `*`: to list all handlers of a module, write `#[event_handlers]` on it, and list the module, as in `handlers = [orders]`
#![allow(unused)]

use bus_runtime::prelude::*;

mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub async fn reserve(_: Raw) {}
}

#[event_bus(group = "shop", handlers = [orders::*])]
struct Shop;

fn main() {}
