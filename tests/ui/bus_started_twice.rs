//! use of moved value: `shop`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
struct Shop;

async fn twice(shop: Shop) {
    let first = shop.start().await;
    let second = shop.start().await;
}

fn main() {}
