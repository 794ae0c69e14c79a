//! A topic may have digits first, capitals, dashes and one underscore before a name.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "2026.EU-west_1._internal.v2", key = Unordered)]
async fn odd(_: Raw) {}

#[event_bus(group = "shop", handlers = [odd])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
