//! not all trait items implemented, missing: `State`, `NAME`, `GROUP`, `HANDLERS`
#![allow(unused)]

struct Shop;

impl bus_runtime::Bus for Shop {}

fn main() {}
