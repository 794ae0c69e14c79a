//! Handlers in another crate than the bus that lists them.

use bus_runtime::prelude::*;

/// Takes the orders of the crate `tests`.
#[event_handler(topic = "orders.placed", key = Record)]
pub async fn ship(_: Raw) {}

/// Takes what nobody else takes.
#[event_handler(topic = "elsewhere.happened", key = Record)]
pub async fn note(_: Raw) {}

/// What becomes of parcels: handlers that are private, and listed with their module.
#[event_handlers]
pub mod parcels {
    use bus_runtime::prelude::*;

    /// Its topic is one of the thousand that a program in `ui` makes.
    #[event_handler(topic = "parcels.d7d3d1", key = Record)]
    async fn track(_: Raw) {}

    /// Takes what was lost.
    #[event_handlers]
    mod lost {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "parcels.lost", key = Record)]
        async fn search(_: Raw) {}
    }
}

/// A bus of a library, which a service's own bus must not run beside.
#[event_bus(group = "elsewhere", handlers = [note])]
#[derive(Debug)]
pub struct Elsewhere;
