//! `orders` and `returns` have one type, so `State<Arc<Db>>` could be either; wrap one of them in a type of its own, or leave it out with `#[from_ref(skip)]`
#![allow(unused)]

use bus_runtime::prelude::*;
use std::sync::Arc;
use tests::fixtures::Db;

#[derive(FromRef)]
struct AppState {
    orders: Arc<Db>,
    returns: Arc<Db>,
}

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw, State(db): State<Arc<Db>>) {}

#[event_bus(group = "shop", state = AppState, handlers = [reserve])]
struct Shop;

fn main() {}
