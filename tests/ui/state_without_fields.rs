//! `AppState` has no field that a handler could take; add one, or remove `#[derive(FromRef)]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(FromRef)]
struct AppState;

fn main() {}
