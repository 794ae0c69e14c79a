//! event handlers are free functions: move it out of the `impl`, and take what `self` holds as `State<T>`
#![allow(unused)]

use bus_runtime::prelude::*;

struct Stock;

impl Stock {
    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(&self, _: Raw) {}
}

fn main() {}
