//! This bus.

use crate::{EVENTS, event};
use bus_runtime::prelude::*;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

#[derive(Default)]
struct Counter {
    handled: AtomicU32,
    all: Notify,
}

#[event_handler(topic = "bench.events", key = Record)]
async fn count(Raw(payload): Raw, State(counter): State<Arc<Counter>>) -> Result {
    black_box(payload);
    if counter.handled.fetch_add(1, Ordering::Relaxed) + 1 == EVENTS {
        counter.all.notify_one();
    }
    Ok(())
}

#[event_bus(group = "bench", state = Arc<Counter>, handlers = [count])]
struct Bench;

/// Publishes all events and handles them, with the bus's defaults.
pub(crate) fn run(keys: u32) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let counter = Arc::new(Counter::default());
        let bus = Bench::new(Config::memory()).start(Arc::clone(&counter));
        let bus = bus.await.expect("it starts");
        let publisher = bus.publisher();
        let publishing = tokio::spawn(async move {
            for number in 0..EVENTS {
                let (key, payload) = event(number, keys);
                let sent =
                    publisher.enqueue_raw("bench.events", Key::of(&key), payload, Publish::new());
                // That it was stored is seen by its handler.
                drop(sent.await.expect("it is taken"));
            }
        });
        counter.all.notified().await;
        publishing.await.expect("it does not panic");
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(report.handled(), u64::from(EVENTS), "{report}");
    });
}
