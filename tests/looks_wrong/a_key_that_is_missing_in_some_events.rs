//! An `Option` is a key: an event without it has no order.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Serialize, Deserialize, Event)]
#[event(topic = "visits.made", key = visitor)]
struct Visited {
    visitor: Option<String>,
}

#[event_handler(topic = Visited::TOPIC)]
async fn own(Json(visit): Json<Visited>) {
    drop(visit);
}

#[event_handler(topic = Visited::TOPIC, group = "by-length", key = visit.visitor.as_ref().map(String::len))]
async fn computed(Json(visit): Json<Visited>) {
    drop(visit);
}

#[event_bus(group = "shop", handlers = [own, computed])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
