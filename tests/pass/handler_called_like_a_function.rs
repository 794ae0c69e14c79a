//! A handler stays a function: tests call it.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use tests::fixtures::{Db, Order};

#[event_handler(topic = "orders.placed", key = order.customer_id)]
async fn reserve(Json(order): Json<Order>, State(db): State<Db>) -> Result<Outcome> {
    drop(db);
    match order.id {
        0 => Err(HandlerError::permanent("an order without a number")),
        _ => Ok(Outcome::Skip),
    }
}

#[event_bus(group = "shop", state = Db, handlers = [reserve])]
struct Shop;

fn main() {
    let order = Order {
        id: 0,
        customer_id: "c-7".into(),
        total: 9.9,
    };
    let call = pin!(reserve(Json(order), State(Db)));
    let Poll::Ready(outcome) = call.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it does not wait");
    };
    assert!(outcome.is_err_and(|error| error.is_permanent()));
    let _ = Shop::new(Config::memory());
}
