//! A state may be an `Arc`, a tuple, and have parameters of its own.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

type Counts = Arc<Mutex<HashMap<String, u64>>>;

#[event_handler(topic = "orders.placed", key = Record)]
async fn count(_: Raw, State(counts): State<Counts>) {
    drop(counts);
}

#[event_bus(group = "shop", state = Counts, handlers = [count])]
struct Shop;

#[event_bus(group = "pair", state = (Counts, u8), handlers = [])]
struct Pair;

fn main() {
    let _ = (Shop::new(Config::memory()), Pair::new(Config::memory()));
}
