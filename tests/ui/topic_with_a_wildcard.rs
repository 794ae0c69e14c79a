//! evaluation panicked: a topic has no wildcards: a handler takes one topic
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.*", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
