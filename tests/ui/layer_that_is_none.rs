//! `Timing` is not a layer: implement `Layer` for it
#![allow(unused)]

use bus_runtime::prelude::*;

struct Timing;

#[event_handler(topic = "orders.placed", key = Record, layers = [Timing])]
async fn reserve(_: Raw) {}

fn main() {}
