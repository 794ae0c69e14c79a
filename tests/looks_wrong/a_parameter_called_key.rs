//! Parameters may be called as the macro's options are.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "orders.placed", key = key.customer)]
async fn reserve(Json(key): Json<Order>, topic: Metadata, group: Key) {
    drop((key.id, topic, group));
}

#[event_bus(group = "shop", handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
