//! `workers` is not a bus option: the bus has one worker pool, whose size is set once, in `Config`, as in `Shop::new(Config::memory().in_flight(256))`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [], workers = 8)]
struct Shop;

fn main() {}
