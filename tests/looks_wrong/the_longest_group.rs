//! A group has 64 bytes at most, the bus's and a handler's each for itself.

#![deny(warnings)]

use bus_runtime::prelude::*;
const LONGEST: &str = "0123456789012345678901234567890123456789012345678901234567890123";
const _: () = assert!(LONGEST.len() == 64);

#[event_handler(topic = "orders.placed", key = Unordered, group = LONGEST)]
async fn reserve(_: Raw) {}

#[event_bus(group = LONGEST, handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
