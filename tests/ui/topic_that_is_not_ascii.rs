//! evaluation panicked: a topic may hold only ASCII letters, digits, `.`, `-` and `_`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "ordérs", key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
