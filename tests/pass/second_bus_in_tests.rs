//! Two buses that share handlers; one of them for tests alone.

#![deny(warnings)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Record)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders.paid", key = Record)]
async fn pay(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve, pay])]
struct Shop;

#[event_bus(group = "small", handlers = [pay], state = u8)]
struct Small;

#[cfg(test)]
mod tests {
    use super::*;

    #[event_bus(group = "test", handlers = [super::reserve])]
    struct TestShop;
}

fn main() {
    let _ = (Shop::new(Config::memory()), Small::new(Config::memory()));
}
