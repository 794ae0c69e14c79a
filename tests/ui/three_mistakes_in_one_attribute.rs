//! `key` is given twice
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, key = Record, gruop = "audit", retry = 5)]
async fn reserve(_: Raw) {}

fn main() {}
