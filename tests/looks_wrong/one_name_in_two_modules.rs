//! Handlers of one name in two modules are two handlers.

#![deny(warnings)]

use bus_runtime::prelude::*;
mod orders {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub(crate) async fn placed(_: Raw) {}
}

mod invoices {
    use bus_runtime::prelude::*;

    #[event_handler(topic = "invoices.placed", key = Unordered)]
    pub(crate) async fn placed(_: Raw) {}
}

#[event_bus(group = "shop", handlers = [orders::placed, invoices::placed])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
