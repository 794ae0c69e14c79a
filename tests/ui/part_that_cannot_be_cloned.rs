//! `Connection` cannot be a part of the state, since each attempt takes a clone: derive `Clone` for it, keep it in an `Arc`, or leave it out with `#[from_ref(skip)]`
#![allow(unused)]

use bus_runtime::prelude::*;

struct Connection;

#[derive(FromRef)]
struct AppState {
    connection: Connection,
}

fn main() {}
