//! this method takes 1 argument but 0 arguments were supplied
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", state = String, handlers = [])]
struct Shop;

async fn start(shop: Shop) {
    let running = shop.start().await;
}

fn main() {}
