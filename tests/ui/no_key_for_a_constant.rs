//! missing `key`: a topic that is a string has none of its own. Write `key = order.customer_id`, using the names of your parameters, or `key = Unordered`
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

const PLACED: &str = "orders.placed";

#[event_handler(topic = PLACED)]
async fn reserve(Json(order): Json<Order>) {}

fn main() {}
