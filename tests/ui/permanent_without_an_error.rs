//! `permanent` asks the handler's error, but this handler cannot fail: return a `Result`, or remove `permanent`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, permanent = |_| true)]
async fn reserve(_: Raw) {}

fn main() {}
