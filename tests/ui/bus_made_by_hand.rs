//! cannot find trait `Bus` in crate `bus_runtime`
#![allow(unused)]

struct Shop;

impl bus_runtime::Bus for Shop {}

fn main() {}
