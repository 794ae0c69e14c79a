//! private type `AppState` in public interface
#![allow(unused)]

use bus_runtime::prelude::*;

struct AppState;

#[event_bus(group = "shop", state = AppState, handlers = [])]
pub struct Shop;

fn main() {}
