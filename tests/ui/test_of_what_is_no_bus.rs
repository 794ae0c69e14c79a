//! `Shop` is not a bus: add `#[event_bus(group = "…", handlers = […])]` to the struct
#![allow(unused)]

use bus_runtime::prelude::*;
use bus_runtime::testing::TestBus;

struct Shop;

async fn it_starts() {
    let bus = TestBus::start::<Shop>(()).await;
}

fn main() {}
