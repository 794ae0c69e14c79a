//! unknown option `priority`; the options are `topic`, `key`, `group`, `retry`, `timeout`, `at_most`, `layers`, `permanent`, `state`, `crate`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, priority = 5)]
async fn reserve(_: Raw) {}

fn main() {}
