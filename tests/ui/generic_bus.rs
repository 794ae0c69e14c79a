//! an event bus cannot be generic: it is one list of handlers
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_bus(group = "shop", handlers = [])]
struct Shop<T>;

fn main() {}
