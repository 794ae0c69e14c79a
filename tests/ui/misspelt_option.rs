//! unknown option `topci`; did you mean `topic`?
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topci = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
