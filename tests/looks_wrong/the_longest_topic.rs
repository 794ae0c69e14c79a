//! A topic has 200 bytes at most, and this one has them.

#![deny(warnings)]

use bus_runtime::prelude::*;
const LONGEST: &str = "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.bc";
const _: () = assert!(LONGEST.len() == 200);

#[event_handler(topic = LONGEST, key = Unordered)]
async fn longest(_: Raw) {}

#[event_bus(group = "shop", handlers = [longest])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
