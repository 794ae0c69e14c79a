//! What layers cost.

use bus_runtime::Running;
use bus_runtime::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::alloc;
use tests::alone::{alone, figure};
use tests::seen::eventually;

/// Counts, which only a `static` can.
struct Count(AtomicUsize);

impl Layer for Count {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        self.0.fetch_add(1, Ordering::Relaxed);
        next.await
    }
}

static CALLS: Count = Count(AtomicUsize::new(0));

/// Remembers how many allocations there were when an attempt came to the outermost layer.
struct Begin;

static BEGUN: AtomicUsize = AtomicUsize::new(0);
/// Allocations between the outermost layer and the handler, and on the way back, over all attempts.
static BETWEEN: AtomicUsize = AtomicUsize::new(0);

impl Layer for Begin {
    async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
        BEGUN.store(alloc::allocations(), Ordering::Relaxed);
        let outcome = next.await;
        between();
        outcome
    }
}

fn between() {
    let now = alloc::allocations();
    BETWEEN.fetch_add(now - BEGUN.swap(now, Ordering::Relaxed), Ordering::Relaxed);
}

#[event_handler(topic = "layers.none", key = Record)]
async fn none(_: Raw) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[event_handler(topic = "layers.one", key = Record, layers = [CALLS])]
async fn one(_: Raw) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[event_handler(topic = "layers.five", key = Record, layers = [Begin, CALLS, CALLS, &CALLS, &&CALLS])]
async fn five(_: Raw) {
    between();
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

#[event_bus(group = "cost", handlers = [none, one, five])]
struct Cost;

#[event_bus(group = "cost", layers = [CALLS, CALLS], handlers = [none, one, five])]
struct CostWithin;

const EVENTS: usize = 2000;
static HANDLED: AtomicUsize = AtomicUsize::new(0);

/// Allocations for each event of a topic, from its publish until it is handled.
async fn allocations(bus: &Running, topic: &str) -> f64 {
    let publisher = bus.publisher();
    let handled = async || {
        let all = HANDLED.load(Ordering::Relaxed) + EVENTS;
        for _ in 0..EVENTS {
            let sent = publisher.publish_raw(topic, Key::NONE, "", Publish::new());
            sent.await.expect("published");
        }
        eventually("all are handled", || {
            let load = bus.load();
            (HANDLED.load(Ordering::Relaxed) == all && load.in_flight == 0).then_some(())
        })
        .await;
    };
    // What grows has grown.
    handled().await;
    let before = alloc::allocations();
    handled().await;
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let each = (alloc::allocations() - before) as f64 / EVENTS as f64;
    figure(format!("{topic}: {each:.2} allocations an event"));
    each
}

/// On one thread: nothing else allocates between a layer and its handler.
async fn cost() {
    let bus = Cost::new(Config::memory())
        .start()
        .await
        .expect("it starts");
    let without = allocations(&bus, "layers.none").await;
    for topic in ["layers.one", "layers.five"] {
        let with = allocations(&bus, topic).await;
        assert!(with < without + 0.5, "{topic}: {with}, not {without}");
    }
    bus.shutdown().await.expect("it ends");
    assert_eq!(CALLS.0.load(Ordering::Relaxed), EVENTS * 2 * 5);

    let bus = CostWithin::new(Config::memory()).start().await;
    let bus = bus.expect("it starts");
    for topic in ["layers.none", "layers.one", "layers.five"] {
        let with = allocations(&bus, topic).await;
        assert!(with < without + 0.5, "{topic}: {with}, not {without}");
    }
    bus.shutdown().await.expect("it ends");
    assert_eq!(CALLS.0.load(Ordering::Relaxed), EVENTS * 2 * (5 + 11));
    assert_eq!(BETWEEN.load(Ordering::Relaxed), 0);
}

mod memory {
    use super::{alone, cost};

    #[test]
    fn layers_allocate_nothing() {
        alone("cost::memory::layers_allocate_nothing", || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime").block_on(cost());
        });
    }
}
