//! Options in any order, with commas inside their values and behind the last.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::time::Duration;

#[derive(Serialize, Deserialize, Event)]
#[event(key = (shop, id), topic = "orders.placed",)]
struct Placed {
    shop: u8,
    id: u64,
}

const fn longer(a: Duration, _: Duration) -> Duration {
    a
}

#[event_handler(
    state = HashMap<String, (u8, Vec<u8>)>,
    timeout = longer(Duration::from_secs(2), Duration::from_secs(1)),
    key = (order.id < 5, order.shop),
    permanent = |error: &std::io::Error| matches!(error.kind(), std::io::ErrorKind::NotFound),
    group = "audit",
    at_most = if cfg!(debug_assertions) { 1 } else { 8 },
    topic = Placed::TOPIC,
)]
async fn reserve(
    Json(order): Json<Placed>,
    State(shops): State<HashMap<String, (u8, Vec<u8>)>>,
) -> std::io::Result<()> {
    drop((order, shops));
    Ok(())
}

#[event_bus(handlers = [reserve,], state = HashMap<String, (u8, Vec<u8>)>, group = "shop",)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
