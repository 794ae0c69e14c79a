//! A bus that only publishes lists nothing: the list may be empty.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_bus(group = "shop", handlers = [])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
