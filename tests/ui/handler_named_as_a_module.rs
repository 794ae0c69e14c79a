//! the name `charge` is defined multiple times
#![allow(unused)]

use bus_runtime::prelude::*;

mod charge {
    use super::*;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    pub async fn charge(_: Raw) {}
}
pub use charge::charge;

fn main() {}
