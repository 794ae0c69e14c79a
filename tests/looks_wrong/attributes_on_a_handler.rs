//! Attributes may stand above and below the macro's.

#![deny(warnings)]

use bus_runtime::prelude::*;
/// Reserves stock.
#[allow(clippy::needless_pass_by_value)]
#[event_handler(topic = "orders.placed", key = Record)]
#[doc = "With another line."]
#[inline]
#[must_use = "a future does nothing by itself"]
async fn reserve(_: Raw) {}

/// The shop.
#[event_bus(group = "shop", handlers = [reserve])]
#[doc(alias = "store")]
#[repr(C)]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
