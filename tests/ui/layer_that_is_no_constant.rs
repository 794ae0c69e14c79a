//! cannot call non-const function `timing` in constants
#![allow(unused)]

use bus_runtime::prelude::*;

struct Timing;

impl Layer for Timing {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        next.await
    }
}

fn timing() -> Timing {
    Timing
}

#[event_handler(topic = "orders.placed", key = Record, layers = [timing()])]
async fn reserve(_: Raw) {}

fn main() {}
