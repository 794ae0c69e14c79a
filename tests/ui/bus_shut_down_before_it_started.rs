//! no method named `shutdown` found for struct `Shop` in the current scope
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
struct Shop;

async fn too_early(shop: Shop) {
    let report = shop.shutdown().await;
}

fn main() {}
