//! Start, traffic, shutdown, fifty times in one process: tasks, threads and descriptors are back after each, and the
//! heap does not grow. The probe is seen to find a task, a descriptor, a thread and 128 bytes that are left behind.

use bus_runtime::prelude::*;
use std::fs::File;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tests::alloc::{Counting, live};
use tests::alone::{alone, figure, runtime};
use tests::load::{Load, Numbered, TOPICS};
use tests::patience::{PATIENCE, within};
use tests::probe::{Footprint, growth};
use tests::{alone_on_each_transport, alone_on_kafka};
use tokio::sync::Semaphore;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CYCLES: usize = 50;

/// Cycles in which what is made once and kept is made: thread-local buffers, a signal handler.
const WARM_UP: usize = 10;

/// What the heap may grow by, in bytes a cycle.
const GROWTH: f64 = 64.0;

/// What is left behind is there for good: how long the probe waits for it to go.
const SHORT: Duration = Duration::from_millis(300);

const AGAIN: Retry = Retry::attempts(2).backoff(Duration::from_millis(1), Duration::from_millis(1));

const LOAD: Load = Load {
    keys: 20,
    each: 10,
    tasks: 4,
};

/// Fails now and then, and for some events always: a cycle has retries and dead letters.
#[event_handler(topic = TOPICS[0], key = event.key, retry = AGAIN)]
async fn first(Json(event): Json<Numbered>, State(ended): State<Ended>, about: Metadata) -> Result {
    tokio::task::yield_now().await;
    if event.is_poisoned() {
        ended.0.add_permits(1);
        return Err(HandlerError::permanent("it is poisoned"));
    }
    if event.fails_first() && about.attempt == 1 {
        Err("the first attempt fails")?;
    }
    ended.0.add_permits(1);
    Ok(())
}

/// In a group of its own.
#[event_handler(topic = TOPICS[0], group = "audit", key = Unordered)]
async fn audit(_: Raw, State(ended): State<Ended>) {
    ended.0.add_permits(1);
}

macro_rules! handlers {
    ($($name:ident: $topic:expr),+) => {$(
        #[event_handler(topic = $topic, key = event.key)]
        async fn $name(Json(event): Json<Numbered>, State(ended): State<Ended>) {
            tokio::task::yield_now().await;
            ended.0.add_permits(usize::from(event.number > 0));
        }
    )+};
}

handlers!(b: TOPICS[1], c: TOPICS[2], d: TOPICS[3], e: TOPICS[4]);

#[event_bus(group = "cycles", state = Ended, handlers = [first, audit, b, c, d, e])]
struct Cycled;

/// A permit for each event that a handler has ended with.
#[derive(Clone)]
struct Ended(Arc<Semaphore>);

/// What a handler ends with in one cycle: every event, and those of the first topic once more.
fn endings() -> u32 {
    let again = LOAD.iter().filter(|event| event.topic() == TOPICS[0]);
    u32::try_from(LOAD.events()).expect("few") + u32::try_from(again.count()).expect("few")
}

async fn cycle(config: &Config) {
    let ended = Ended(Arc::new(Semaphore::new(0)));
    let bus = Cycled::new(config.clone()).start(ended.clone()).await;
    let bus = bus.expect("it starts");
    let pace = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
    LOAD.publish(&bus.publisher(), pace, |_| ()).await;
    let all = within("every event is handled", ended.0.acquire_many(endings()));
    all.await.expect("it is never closed").forget();
    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert!(report.left.is_empty(), "{report}");
}

/// The events of a cycle have the ids of the one before: a broker that deduplicates must not know them.
fn fresh(config: &Config, cycle: usize) -> Config {
    config.clone().namespace(format!("cycle-{cycle}"))
}

fn regressions_02_and_48_every_cycle_returns_to_the_baseline(config: &Config) {
    cycles(CYCLES, |at| fresh(config, at));
}

/// On Kafka, whose topics are made once. The client's own heap is not counted: it is C.
#[cfg(feature = "kafka")]
fn regressions_02_and_48_every_cycle_on_kafka_returns_to_the_baseline(config: &Config) {
    // A bus that ends leaves its group: the next one would wait for that long otherwise, and give up.
    let session = Duration::from_mins(5);
    cycles(20, |_| config.clone().session_timeout(session));
}

fn cycles(cycles: usize, config: impl Fn(usize) -> Config) {
    runtime().block_on(async {
        let baseline = Footprint::now();
        let mut bytes = Vec::with_capacity(cycles);
        for at in 0..cycles {
            cycle(&config(at)).await;
            if let Err(left) = baseline.regained(PATIENCE).await {
                panic!("after cycle {at}: {left}");
            }
            if at >= WARM_UP {
                bytes.push(live());
            }
        }
        let growth = growth(&bytes);
        figure(format_args!(
            "cycles: {cycles} × start, {} events, shutdown: {baseline} after each, + 0; heap {} B, growth {growth:.1} B a cycle",
            LOAD.events(),
            bytes.last().expect("some cycles"),
        ));
        assert!(growth <= GROWTH, "{growth} B a cycle: {bytes:?}");
    });
}

alone_on_each_transport!(regressions_02_and_48_every_cycle_returns_to_the_baseline);
alone_on_kafka!(regressions_02_and_48_every_cycle_on_kafka_returns_to_the_baseline);

/// What the same probe says after a cycle in which `leave` leaves something behind.
async fn found(leave: impl FnOnce()) -> String {
    let baseline = Footprint::now();
    cycle(&Config::memory()).await;
    baseline.regained(PATIENCE).await.expect("a clean cycle");
    leave();
    let found = baseline.regained(SHORT).await;
    found.expect_err("something is left behind").to_string()
}

#[test]
fn a_task_left_behind_is_found() {
    alone("a_task_left_behind_is_found", || {
        let found = runtime().block_on(found(|| drop(tokio::spawn(pending::<()>()))));
        assert_eq!(found, "1 more task");
    });
}

#[test]
fn a_descriptor_left_behind_is_found() {
    alone("a_descriptor_left_behind_is_found", || {
        let leave = || std::mem::forget(File::open("/dev/zero").expect("it is there"));
        let found = runtime().block_on(found(leave));
        assert_eq!(found, "1 more descriptor `/dev/zero`");
    });
}

#[test]
fn a_thread_left_behind_is_found() {
    alone("a_thread_left_behind_is_found", || {
        let leave = || {
            let thread = std::thread::Builder::new().name("left".to_owned());
            drop(
                thread
                    .spawn(|| {
                        loop {
                            std::thread::park();
                        }
                    })
                    .expect("a thread"),
            );
        };
        let found = runtime().block_on(found(leave));
        assert!(found.contains("1 more thread `left`"), "{found}");
    });
}

#[test]
fn bytes_left_behind_are_found() {
    alone("bytes_left_behind_are_found", || {
        runtime().block_on(async {
            let baseline = Footprint::now();
            let mut bytes = Vec::with_capacity(CYCLES);
            for at in 0..CYCLES {
                cycle(&Config::memory()).await;
                Box::leak(Box::new([0_u8; 128]));
                let regained = baseline.regained(PATIENCE).await;
                if at >= WARM_UP {
                    bytes.push(live());
                }
                drop(regained);
            }
            let growth = growth(&bytes);
            assert!(growth > GROWTH, "{growth} B a cycle: {bytes:?}");
            assert!(growth < 128.0 + GROWTH, "{growth} B a cycle: {bytes:?}");
        });
    });
}
