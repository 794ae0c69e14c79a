//! Handlers that are listed with their module: private ones, modules within, of other crates, under `#[cfg]`.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]

use bus_runtime::prelude::*;

extern crate bus_runtime as my_bus;

/// What happens to orders.
#[event_handlers]
pub mod orders {
    //! And more about them.
    #![allow(clippy::manual_assert)]

    use bus_runtime::prelude::*;
    use tests::fixtures::OrderPlaced;

    const GROUP: &str = "stock";

    thread_local! {
        static SEEN: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
    }

    /// Named as its module.
    #[event_handler(topic = OrderPlaced::TOPIC, group = GROUP)]
    async fn orders(Json(order): Json<OrderPlaced>, State(name): State<&'static str>) -> Result {
        SEEN.set(order.id);
        super::no_handler(name);
        Ok(())
    }

    #[event_handler(topic = "orders.paid", key = Record)]
    pub(super) async fn r#type(_: Raw) {}

    #[cfg(any())]
    #[event_handler(topic = "orders.paid", key = Record)]
    async fn never(_: Nothing) {}

    #[event_handler(topic = "orders.paid", key = Record)]
    #[cfg(any())]
    async fn never_either(_: Nothing) {}

    #[cfg(not(any()))]
    #[event_handler(topic = "orders.sent", key = Record)]
    #[cfg(all())]
    async fn present(_: Raw) {}

    /// Needs the attribute too.
    #[event_handlers]
    mod refunds {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.returned", key = Record)]
        async fn refund(_: Raw) {}
    }

    #[cfg(any())]
    #[event_handlers]
    mod nothing {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.returned", key = Record)]
        async fn refund(_: Raw) {}
    }

    #[cfg(test)]
    mod tests {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.placed", key = Record)]
        async fn of_a_test(_: Raw) {}
    }

    /// A module without handlers.
    pub mod prices {
        /// What it costs.
        #[must_use]
        pub fn price() -> u64 {
            7
        }
    }
}

fn no_handler(_: &str) {}

/// Of one state.
#[my_bus::event_handlers(crate = my_bus)]
mod of_one_state {
    #[my_bus::event_handler(topic = "x.one", key = my_bus::Record, state = &'static str, crate = my_bus)]
    #[cfg(all())]
    async fn one(_: my_bus::Raw) {}
}

#[event_handlers]
mod left_out {
    #[cfg(any())]
    #[event_handler(topic = "orders.paid", key = Record)]
    async fn never(_: Nothing) {}
}

macro_rules! module {
    ($module:ident $($name:ident $topic:literal;)*) => {
        #[event_handlers]
        mod $module {
            use bus_runtime::prelude::*;

            $(
                #[event_handler(topic = $topic, key = Record)]
                async fn $name(_: Raw) {}
            )*
        }
    };
}

module! { made first "made.first"; second "made.second"; }

/// Every event the shop handles.
#[event_bus(
    group = "shop",
    state = &'static str,
    handlers = [
        orders,
        self::of_one_state,
        left_out,
        made,
        elsewhere::parcels,
        elsewhere::ship,
        #[cfg(any())]
        nowhere,
    ]
)]
pub struct Shop;

/// One of the handlers alone.
#[event_bus(group = "paid", handlers = [orders::r#type])]
pub struct Paid;

fn main() {
    let _ = (Shop::new(Config::memory()), Paid::new(Config::memory()));

    #[event_handlers]
    mod in_a_function {
        use bus_runtime::prelude::*;

        #[event_handler(topic = "orders.placed", key = Record)]
        async fn reserve(_: Raw) {}
    }

    /// Within a function.
    #[event_bus(group = "inner", handlers = [in_a_function])]
    struct Inner;

    let _ = Inner::new(Config::memory());
}
