//! An event may be called as types of the bus are.

#![deny(warnings)]

use bus_runtime::prelude::*;
mod contracts {
    use bus_runtime::prelude::{Deserialize, Event, Serialize};

    #[derive(Serialize, Deserialize, Event)]
    #[event(topic = "meta.data", key = key)]
    pub(crate) struct Metadata {
        pub(crate) key: String,
    }
}

#[event_handler(topic = contracts::Metadata::TOPIC)]
async fn follow(Json(event): Json<contracts::Metadata>, about: Metadata) {
    drop((event.key, about));
}

#[event_bus(group = "shop", handlers = [follow])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
