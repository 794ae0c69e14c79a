//! no method named `string_or_topic` found for struct `bus_runtime::__private::TopicArgument<u32>`
#![allow(unused)]

use bus_runtime::prelude::*;

const SEVEN: u32 = 7;

#[event_handler(topic = SEVEN, key = Unordered)]
async fn reserve(_: Raw) {}

fn main() {}
