//! `-> ()` is nothing, and an alias of a `Result` is one.

#![deny(warnings)]

use bus_runtime::prelude::*;
type Handled = Result<Outcome, std::fmt::Error>;

#[event_handler(topic = "orders.placed", key = Record)]
#[allow(clippy::unused_unit)]
async fn unit(_: Raw) -> () {}

#[event_handler(topic = "orders.paid", key = Record, permanent = |_| false)]
async fn alias(_: Raw) -> Handled {
    Ok(Outcome::Skip)
}

#[event_bus(group = "shop", handlers = [unit, alias])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
