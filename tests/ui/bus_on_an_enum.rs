//! `#[event_bus]` goes on a struct without fields: `struct Shop;`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
enum Shop {}

fn main() {}
