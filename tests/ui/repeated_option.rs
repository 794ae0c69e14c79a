//! `group` is given twice
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, group = "a", group = "b")]
async fn reserve(_: Raw) {}

fn main() {}
