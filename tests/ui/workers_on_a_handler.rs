//! `workers` is not a handler option: every handler shares the bus's one worker pool, whose size is set once, in `Config`; to lower this handler's share, write `at_most = …`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, workers = 8)]
async fn reserve(_: Raw) {}

fn main() {}
