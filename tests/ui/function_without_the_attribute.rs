//! cannot find module or crate `reserve` in this scope
#![allow(unused)]

use bus_runtime::prelude::*;

async fn reserve(_: Raw) {}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {}
