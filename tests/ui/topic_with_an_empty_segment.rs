//! evaluation panicked: a topic has no empty segment: a `.` stands between two names
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders..placed", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
