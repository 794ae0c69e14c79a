//! `Tenant` is not an extractor
#![allow(unused)]

use bus_runtime::prelude::*;

struct AppState;
struct Tenant;

impl FromEvent<AppState> for Tenant {
    fn from_event(_: &Cx<AppState>) -> Result<Self, Rejection> {
        Ok(Tenant)
    }
}

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw, tenant: Tenant) {}

fn main() {}
