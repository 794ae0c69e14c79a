//! `pool_size` is not a handler option: every handler shares the bus's one worker pool
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, pool_size = 8)]
async fn reserve(_: Raw) {}

fn main() {}
