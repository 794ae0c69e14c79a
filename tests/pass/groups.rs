//! One topic, handled by several groups.

use bus_runtime::prelude::*;

const AUDIT: &str = "audit";

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered, group = AUDIT)]
async fn audit(_: Raw) {}

#[event_handler(topic = "orders.placed", key = Unordered, group = "billing")]
async fn bill(_: Raw) {}

#[event_handler(topic = "orders_paid", key = Unordered)]
async fn paid(_: Raw) {}

#[event_handler(topic = "orders_paid", key = Unordered, group = AUDIT)]
async fn audit_paid(_: Raw) {}

const GROUP: &str = "shop";

#[event_bus(group = GROUP, handlers = [reserve, audit, bill, paid, audit_paid])]
struct Shop;

#[event_bus(group = concat!("no-", "handlers"), handlers = [])]
struct Empty;

fn main() {
    let _ = (Shop::new(Config::memory()), Empty::new(Config::memory()));
}
