//! This bus.

use crate::EVENTS;
use bus_runtime::prelude::*;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

#[derive(Default)]
struct Counter {
    handled: AtomicU64,
    all: Notify,
}

#[event_handler(topic = "bench.events", key = payload[..8])]
async fn count(Raw(payload): Raw, State(counter): State<Arc<Counter>>) -> Result {
    black_box(payload);
    if counter.handled.fetch_add(1, Ordering::Relaxed) + 1 == EVENTS {
        counter.all.notify_one();
    }
    Ok(())
}

#[event_bus(group = "bench", state = Arc<Counter>, handlers = [count])]
struct Bench;

/// Reads all events with a bus, with its defaults.
pub(crate) fn read(servers: &str, group: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let counter = Arc::new(Counter::default());
        let bus = Bench::new(Config::new(format!("kafka://{servers}")).group(group));
        let bus = bus.start(Arc::clone(&counter)).await.expect("it starts");
        counter.all.notified().await;
        let report = bus.shutdown().await.expect("it ends");
        assert_eq!(report.left.len(), 0, "{report:?}");
    });
}
