//! not all trait items implemented, missing: `capabilities`, `consume`, `buried`, `close`

use bus_runtime::transport::{Confirm, Outgoing, Transport};

#[derive(Debug)]
struct Pigeons;

impl Transport for Pigeons {
    fn publish(&self, _: Outgoing, confirm: Confirm) {
        drop(confirm);
    }
}

fn main() {}
