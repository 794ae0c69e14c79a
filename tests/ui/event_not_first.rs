//! the event must be the first parameter; move it to the front
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::{Db, Order};

#[event_handler(topic = "orders.placed", key = Unordered)]
async fn reserve(State(db): State<Db>, Json(order): Json<Order>) {}

fn main() {}
