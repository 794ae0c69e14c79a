//! `Cell<u8>` cannot be shared between threads safely
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", state = std::cell::Cell<u8>, handlers = [])]
struct Shop;

fn main() {}
