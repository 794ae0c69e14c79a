//! evaluation panicked: `group`: a group has at most 64 bytes, a namespace at most 32
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop-shop-shop-shop-shop-shop-shop-shop-shop-shop-shop-shop-shop-", handlers = [])]
struct Shop;

fn main() {}
