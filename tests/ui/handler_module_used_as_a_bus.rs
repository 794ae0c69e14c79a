//! cannot find function `new` in module `orders`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw) {}
}

async fn serve() {
    let bus = orders::new(Config::memory());
}

fn main() {}
