//! evaluation panicked: `group`: a name may hold only ASCII letters, digits, `-` and `_`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, group = "shop.audit")]
async fn reserve(_: Raw) {}

fn main() {}
