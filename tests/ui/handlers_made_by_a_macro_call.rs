//! `#[event_handlers]` does not see the handlers that a macro call makes: let the macro make the whole module, with its `#[event_handlers]`, or list these handlers one by one
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
mod orders {
    use bus_runtime::prelude::*;

    macro_rules! handler {
        ($name:ident, $topic:literal) => {
            #[event_handler(topic = $topic, key = Unordered)]
            async fn $name(_: Raw) {}
        };
    }

    handler!(reserve, "orders.placed");

    #[event_handler(topic = "orders.paid", key = Unordered)]
    async fn ship(_: Raw) {}
}

fn main() {}
