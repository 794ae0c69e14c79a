//! `Compact<MeterRead>` is not a format for `MeterRead`: `codec` is `Json`, `MessagePack`, `Protobuf`, or a format of your own, which implements `Codec<MeterRead>`
#![allow(unused)]

use bus_runtime::prelude::*;

struct Compact<T>(T);

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "meters.read", key = meter, codec = Compact)]
struct MeterRead {
    meter: u64,
}

fn main() {}
