//! `permanent` is a function that is asked about each error: write `permanent = |error| matches!(error, MyError::Refused)`
#![allow(unused)]

use bus_runtime::prelude::*;

#[event_handler(topic = "orders.placed", key = Unordered, permanent = true)]
async fn reserve(_: Raw) -> Result {
    Ok(())
}

fn main() {}
