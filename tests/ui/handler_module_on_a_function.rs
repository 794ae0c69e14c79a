//! `#[event_handlers]` goes on a module; on a function write `#[event_handler(topic = …)]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
