//! a bus's state cannot be generic: its handlers take parts of one type each
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(FromRef)]
struct AppState<T> {
    db: T,
}

fn main() {}
