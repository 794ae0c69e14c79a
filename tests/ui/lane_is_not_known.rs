//! unknown option `lane`; the options are `topic`, `key`, `group`, `retry`, `timeout`, `at_most`, `permanent`, `state`, `crate`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, lane = "quick")]
async fn reserve(_: Raw) {}

fn main() {}
