//! missing `handlers`: list every handler, as in `handlers = [reserve_stock, billing::charge]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop")]
struct Shop;

fn main() {}
