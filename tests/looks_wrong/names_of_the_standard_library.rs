//! A crate may have types called `Option`, `Result`, `Ok` and `Some`.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[allow(dead_code)]
mod own {
    use bus_runtime::{Raw, Record, event_bus, event_handler};

    struct Option;
    struct Result;
    struct String;
    struct Ok;
    struct Some;
    struct Box;

    #[event_handler(topic = "orders.placed", key = Record)]
    async fn reserve(_: Raw) {}

    #[event_bus(group = "shop", handlers = [reserve])]
    pub(crate) struct Shop;
}

fn main() {
    let _ = own::Shop::new(Config::memory());
}
