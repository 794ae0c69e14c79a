//! What is not `Send` may live between two awaits, not across one.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Mutex;

static TOTAL: Mutex<u64> = Mutex::new(0);

#[event_handler(topic = "orders.placed", key = Record)]
async fn count(_: Raw) {
    {
        let shared = Rc::new(Cell::new(1));
        *TOTAL.lock().expect("no handler panics") += shared.get();
    }
    tokio::task::yield_now().await;
    let total = TOTAL.lock().expect("no handler panics");
    drop(total);
}

#[event_bus(group = "shop", handlers = [count])]
struct Shop;

fn main() {
    let _ = Shop::new(Config::memory());
}
