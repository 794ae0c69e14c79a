//! unused `bus_runtime::Running` that must be used
#![allow(unused)]
#![deny(unused_must_use)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
struct Shop;

async fn drop_it(shop: Shop) {
    shop.start().await.unwrap();
}

fn main() {}
