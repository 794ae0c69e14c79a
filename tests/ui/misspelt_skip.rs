//! a field has one option, which leaves it out: `#[from_ref(skip)]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(FromRef)]
struct AppState {
    name: String,
    #[from_ref(skipped)]
    second_name: String,
}

fn main() {}
