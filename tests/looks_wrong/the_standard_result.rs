//! The standard library's `Result` may stand for the prelude's, and an error may be impossible.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::convert::Infallible;
use std::result::Result;

#[event_handler(topic = "orders.placed", key = Record)]
async fn reserve(_: Raw) -> Result<(), Infallible> {
    Ok(())
}

#[event_handler(topic = "orders.paid", key = Record)]
async fn parse(Raw(bytes): Raw) -> Result<Outcome, std::str::Utf8Error> {
    std::str::from_utf8(&bytes).map(|_| Outcome::Done)
}

#[event_bus(group = "shop", handlers = [reserve, parse])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
