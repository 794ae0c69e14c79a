//! A handler may be listed by several buses, of which one runs at a time.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

#[event_bus(group = "shop-of-the-other-region", handlers = [reserve])]
struct OtherShop;

fn main() {
    let _ = (
        Shop::new(Config::memory()),
        OtherShop::new(Config::memory()),
    );
}
