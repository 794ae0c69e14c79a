//! `#[event_handlers]` sees only what is written between its module's braces: write `mod orders { … }`, or list the handlers of this file one by one
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handlers]
#[path = "../pass/in_a_function.rs"]
mod orders;

fn main() {}
