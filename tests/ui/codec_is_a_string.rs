//! `codec` is the name of a format: write `codec = MessagePack`, without parameters
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "meters.read", key = meter, codec = "msgpack")]
struct MeterRead {
    meter: u64,
}

/// No second error.
#[event_handler(topic = MeterRead::TOPIC)]
async fn sum(MessagePack(read): MessagePack<MeterRead>) {}

fn main() {}
