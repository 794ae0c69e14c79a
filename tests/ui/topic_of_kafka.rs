//! evaluation panicked: topics that start with `__` are Kafka's own; choose another name
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "__consumer_offsets", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
