//! `#[derive(FromRef)]` goes on a struct, whose fields are the parts that handlers take
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(FromRef)]
enum AppState {
    Open { name: String },
    Closed,
}

fn main() {}
