//! evaluation panicked: a topic must not be empty
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
