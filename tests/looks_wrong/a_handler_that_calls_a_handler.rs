//! A handler stays a function: another may call it, with values of its own.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
}

#[event_handler(topic = "orders.placed", key = order.id)]
async fn reserve(Json(order): Json<Order>) -> Result {
    drop(order.customer);
    Ok(())
}

#[event_handler(topic = "orders.again", key = order.id)]
async fn again(order: Json<Order>) -> Result {
    reserve(order).await
}

#[event_bus(group = "shop", handlers = [reserve, again])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
