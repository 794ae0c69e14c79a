//! `skip` goes on a field, which is then no part of the state; to have no part at all, remove `#[derive(FromRef)]`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(FromRef)]
#[from_ref(skip)]
struct AppState {
    name: String,
}

fn main() {}
