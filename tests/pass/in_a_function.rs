//! Everything inside a function, without anything outside.

#![deny(warnings)]

fn main() {
    use bus_runtime::prelude::*;

    #[derive(Serialize, Deserialize, Event)]
    #[event(topic = "orders.placed", key = id)]
    struct Placed {
        id: u64,
    }

    #[event_handler(topic = Placed::TOPIC)]
    async fn reserve(Json(order): Json<Placed>) {
        drop(order);
    }

    #[event_bus(group = "shop", handlers = [reserve])]
    struct Shop;

    let _ = Shop::new(Config::memory());
}
