//! missing `group`: the name under which the broker keeps this service's progress, as in `group = "shop"`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(handlers = [])]
struct Shop;

fn main() {}
