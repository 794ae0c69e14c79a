//! the topic carries `MeterRead`, which a handler takes as `bus_runtime::MessagePack<MeterRead>` or as `Raw`, not as `bus_runtime::Json<MeterRead>`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "meters.read", key = meter, codec = MessagePack)]
struct MeterRead {
    meter: u64,
}

#[event_handler(topic = MeterRead::TOPIC)]
async fn sum(Json(read): Json<MeterRead>) {}

fn main() {}
