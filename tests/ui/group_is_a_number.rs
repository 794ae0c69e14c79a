//! `group` is a string: write `group = "audit"`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, group = 7)]
async fn reserve(_: Raw) {}

fn main() {}
