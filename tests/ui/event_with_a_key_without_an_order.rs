//! `Vec<String>` cannot be a routing key
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = tags)]
struct Placed {
    tags: Vec<String>,
}

fn main() {}
