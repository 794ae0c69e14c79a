//! the bus's state `AppState` has no `Arc<str>`
#![allow(unused)]

use bus_runtime::prelude::*;

struct AppState;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;
    use std::sync::Arc;

    #[event_handler(topic = "orders.placed", key = Unordered)]
    async fn reserve(_: Raw, State(name): State<Arc<str>>) {}
}

#[event_bus(group = "shop", state = AppState, handlers = [orders])]
struct Shop;

fn main() {}
