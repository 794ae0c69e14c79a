//! `Order` is not an event: add `#[derive(Event)] #[event(topic = "…", key = …)]` to it
#![allow(unused)]

use bus_runtime::prelude::*;
use tests::fixtures::Order;

fn topic<E: bus_runtime::Event>(event: &E) -> &'static str {
    E::TOPIC.name()
}

fn topic_of_an_order(order: &Order) -> &'static str {
    topic(order)
}

fn main() {}
