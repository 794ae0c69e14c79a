//! `#[event_handlers]` does not see a handler behind `cfg_attr`: write `#[cfg(…)]` and `#[event_handler(…)]` as two attributes
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    #[cfg_attr(not(miri), event_handler(topic = "orders.placed", key = Unordered))]
    async fn reserve(_: Raw) {}
}

fn main() {}
