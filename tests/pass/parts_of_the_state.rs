//! States whose fields are parts: with and without names, left out, of foreign and long types, and parts by hand.

#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic
)]

use bus_runtime::prelude::*;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

extern crate bus_runtime as my_bus;

mod facade {
    pub(crate) use my_bus as events;
}

/// Not `Clone`.
#[derive(Debug)]
pub struct Db;

/// What the handlers share.
#[derive(Debug, FromRef)]
pub struct AppState {
    /// Shared.
    pub db: Arc<Db>,
    r#type: &'static str,
    prices: Arc<Mutex<HashMap<String, [u64; 2]>>>,
    round: fn(f64) -> u64,
    #[from_ref(skip)]
    reserve: Arc<Db>,
    /// Not `Clone`, and so it is left out.
    #[from_ref(skip)]
    pub lock: Mutex<()>,
}

/// A part that is no field.
#[derive(Debug)]
pub struct Reserve(Arc<Db>);

impl FromRef<AppState> for Reserve {
    fn from_ref(state: &AppState) -> Self {
        Reserve(Arc::clone(&state.reserve))
    }
}

/// A state without names, which is a part of itself too.
#[derive(Clone, Debug, my_bus::FromRef)]
#[from_ref(crate = facade::events)]
pub struct Pair(Arc<Db>, #[from_ref(skip)] Arc<Db>, &'static str);

/// Runs on both.
#[event_handler(topic = "orders.placed", key = Record)]
async fn both(_: Raw, State(db): State<Arc<Db>>, State(name): State<&'static str>) {
    drop((db, name));
}

#[event_handler(topic = "orders.paid", key = Record)]
async fn first(
    _: Raw,
    State(prices): State<Arc<Mutex<HashMap<String, [u64; 2]>>>>,
    State(round): State<fn(f64) -> u64>,
    State(Reserve(reserve)): State<Reserve>,
) {
    drop((prices, round(1.0), reserve));
}

#[event_handler(topic = "orders.paid", key = Record)]
async fn second(_: Raw, State(pair): State<Pair>) {
    drop((pair.0, pair.1, pair.2));
}

/// On the first state.
#[event_bus(group = "shop", state = AppState, handlers = [both, first])]
pub struct Shop;

/// On the second.
#[event_bus(group = "pairs", state = Pair, handlers = [both, second])]
pub struct Pairs;

fn main() {
    let _ = (Shop::new(Config::memory()), Pairs::new(Config::memory()));
}
