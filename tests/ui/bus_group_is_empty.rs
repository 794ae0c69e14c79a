//! evaluation panicked: `group`: a name must not be empty
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "", handlers = [])]
struct Shop;

fn main() {}
