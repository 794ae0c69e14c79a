//! Handlers that are left out, above and below the attribute, and their entries.

#![deny(warnings)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Record)]
async fn always(_: Raw) {}

#[cfg(any())]
#[event_handler(topic = "orders.placed", key = Record)]
async fn never(_: Nothing) {}

#[event_handler(topic = "orders.placed", key = Record)]
#[cfg(any())]
async fn never_either(_: Nothing, State(nothing): State<Nothing>) -> Nothing {}

#[event_handler(topic = "orders.paid", key = Record)]
#[cfg(all())]
async fn present(_: Raw) {}

#[event_bus(
    group = "shop",
    handlers = [
        #[cfg(any())]
        never,
        always,
        #[cfg(any())]
        never_either,
        #[cfg(all())]
        present,
        #[cfg(any())]
        nowhere::to_be::found,
    ]
)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
