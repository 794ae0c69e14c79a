//! Nothing has to be imported: every name may be a path.

#![deny(warnings)]

use bus_runtime::prelude::*;
mod bare {
    #[bus_runtime::event_handler(topic = "orders.placed", key = bus_runtime::Record)]
    pub(crate) async fn reserve(_: bus_runtime::Raw) {}

    #[derive(serde::Serialize, serde::Deserialize, bus_runtime::Event)]
    #[event(topic = "orders.paid", key = id)]
    pub(crate) struct Paid {
        pub(crate) id: u64,
    }
}

#[bus_runtime::event_bus(group = "shop", handlers = [bare::reserve])]
struct Shop;

fn main() {
    let _ = (Shop::new(Config::memory()), bare::Paid { id: 1 }.key());
}
