//! expected a name behind `customer.`
#![allow(unused)]

use bus_runtime::prelude::*;

#[derive(Serialize, Deserialize)]
struct Customer {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "orders.placed", key = customer.)]
struct OrderPlaced {
    customer: Customer,
}

fn main() {}
