//! An alias of the payload's type is that type.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = id)]
struct Placed {
    id: u64,
}

type Order = Json<Placed>;

#[event_handler(topic = Placed::TOPIC)]
async fn reserve(order: Order) {
    drop(order);
}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
