//! A handler may take one extractor twice, and two parts of the state.

#![deny(warnings)]

use bus_runtime::prelude::*;
#[derive(Clone)]
struct Db;

struct AppState {
    db: Db,
    name: String,
}

impl FromRef<AppState> for Db {
    fn from_ref(state: &AppState) -> Self {
        state.db.clone()
    }
}

impl FromRef<AppState> for String {
    fn from_ref(state: &AppState) -> Self {
        state.name.clone()
    }
}

#[event_handler(topic = "orders.placed", key = Record)]
async fn reserve(
    _: Raw,
    first: State<Db>,
    second: State<Db>,
    name: State<String>,
    one: Key,
    two: Key,
) {
    drop((first, second, name, one, two));
}

#[event_bus(group = "shop", state = AppState, handlers = [reserve])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
