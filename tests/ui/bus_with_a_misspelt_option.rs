//! unknown option `handlres`; did you mean `handlers`?
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlres = [])]
struct Shop;

fn main() {}
