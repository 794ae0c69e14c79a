//! A handler may be called as the bus's own functions are.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[event_handler(topic = "shop.new", key = Unordered)]
async fn new(_: Raw) {}

#[event_handler(topic = "shop.start", key = Unordered)]
async fn start(_: Raw) {}

#[event_handler(topic = "shop.handler", key = Unordered)]
async fn event_handler(_: Raw) {}

#[event_bus(group = "shop", handlers = [new, start, event_handler])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
