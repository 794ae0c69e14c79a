//! `MeterRead` is not a message of Protocol Buffers: add `#[derive(prost::Message)]` to it
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "meters.read", key = meter, codec = Protobuf)]
struct MeterRead {
    meter: u64,
}

fn main() {}
