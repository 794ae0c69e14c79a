//! expected a name behind `::`
#![allow(unused)]

use bus_runtime::prelude::*;

mod orders {}

#[event_bus(group = "shop", handlers = [orders::])]
struct Shop;

fn main() {}
