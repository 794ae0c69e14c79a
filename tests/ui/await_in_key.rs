//! a key cannot `.await`: it is computed before the handler runs; order by something that the event holds
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed", key = lookup(order.id).await)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
