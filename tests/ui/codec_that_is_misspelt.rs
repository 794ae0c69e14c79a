//! cannot find type `MesagePack` in this scope
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "meters.read", key = meter, codec = MesagePack)]
struct MeterRead {
    meter: u64,
}

fn main() {}
