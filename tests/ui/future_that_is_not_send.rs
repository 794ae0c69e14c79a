//! future cannot be sent between threads safely
#![allow(unused)]

use bus_runtime::prelude::*;

async fn pause() {}

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(raw: Raw) {
    let shared = std::rc::Rc::new(raw);
    pause().await;
    drop(shared);
}

fn main() {}
