//! A runtime that is not at `::bus_runtime`.

#![deny(warnings)]

extern crate bus_runtime as my_bus;

mod facade {
    pub(crate) use my_bus as events;
}

mod contracts {
    use my_bus::prelude::{Deserialize, Serialize};

    #[derive(Serialize, Deserialize, my_bus::Event)]
    #[event(topic = "orders.placed", key = id, crate = crate::facade::events)]
    pub(crate) struct Placed {
        pub(crate) id: u64,
    }
}

#[my_bus::event_handler(topic = contracts::Placed::TOPIC, crate = facade::events)]
async fn reserve(my_bus::Json(order): my_bus::Json<contracts::Placed>) {
    drop(order);
}

#[my_bus::event_handler(crate = my_bus, topic = "orders.paid", key = my_bus::Unordered)]
async fn pay(_: my_bus::Raw) {}

#[my_bus::event_bus(crate = crate::facade::events, group = "shop", handlers = [reserve, pay])]
struct Shop;

fn main() {
    let _ = Shop::new(my_bus::Config::memory());
}
