//! `permanent` asks the handler's error, but the handler returns `bus_runtime::Outcome`: return a `Result`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, permanent = |_| true)]
async fn reserve(_: Raw) -> Outcome {
    Outcome::Done
}

fn main() {}
