//! the bus's state `AppState` has no `Db`: give the state a field of that type, and `#[derive(FromRef)]`, or write `impl FromRef<AppState> for Db`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Db;

struct AppState;

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw, State(db): State<Db>) {}

#[event_bus(group = "shop", state = AppState, handlers = [reserve])]
struct Shop;

fn main() {}
