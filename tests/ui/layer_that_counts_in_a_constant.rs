//! interior mutable shared borrows of temporaries that have their lifetime extended until the end of the program are not allowed
#![allow(unused)]

use bus_runtime::prelude::*;

use std::sync::atomic::AtomicUsize;

struct Count(AtomicUsize);

impl Layer for Count {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        next.await
    }
}

/// It would count from 0 each time; a `static` counts.
#[event_handler(topic = "orders.placed", key = Record, layers = [Count(AtomicUsize::new(0))])]
async fn reserve(_: Raw) {}

fn main() {}
