//! module `pool` is private
#![allow(unused)]

use bus_runtime::pool;

fn main() {}
