//! `concurrency` is not a handler option: every handler shares the bus's one worker pool
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::OrderPlaced;

#[event_handler(topic = OrderPlaced::TOPIC, concurrency = 4)]
async fn reserve(_: Raw) {}

fn main() {}
