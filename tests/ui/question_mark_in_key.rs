//! a key cannot fail, so it has no `?`: an `Option` is a key as it is, and `None` means no order
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = order.customer_id.parse::<u64>()?)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
