//! lanes are not supported yet: handlers of one group share its consumer; to keep a slow handler from the others, give it a `group` of its own, or `at_most`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, lane = "quick")]
async fn reserve(_: Raw) {}

fn main() {}
