//! a topic may hold only ASCII letters, digits, `.`, `-` and `_`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "ordérs.placed", key = id)]
struct Placed {
    id: u64,
}

fn main() {}
