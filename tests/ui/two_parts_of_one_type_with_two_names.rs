//! conflicting implementations of trait `bus_runtime::FromRef<AppState>` for type `String`
#![allow(unused)]

use bus_runtime::prelude::*;

type Name = String;

#[derive(FromRef)]
struct AppState {
    shop: String,
    region: Name,
}

fn main() {}
