//! `layers` is a list, the first of which is the outermost: write `layers = [TIMING, LIMIT]`
#![allow(unused)]

use bus_runtime::prelude::*;

struct Timing;

impl Layer for Timing {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        next.await
    }
}

#[event_handler(topic = "orders.placed", key = Record, layers = Timing)]
async fn reserve(_: Raw) {}

fn main() {}
