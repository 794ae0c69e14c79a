//! missing `key`: events with equal keys are handled in order, one at a time. Write `key = order.customer_id`, using the names of your parameters, or `key = Unordered`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

#[event_handler(topic = "orders.placed")]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
