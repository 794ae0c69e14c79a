//! What ends, ends by its deadline and says so: publishes, and buses whose runtime does not help.

#[cfg(feature = "kafka")]
mod kafka;

use bus_runtime::prelude::*;
use bus_runtime::testing::several_buses;
use bus_runtime::{Publish, PublishError, Publisher, Running, StartError};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;
use tests::alone::{alone, runtime};
use tests::on::PATIENCE;
use tests::seen::{Gate, Seen, eventually};
use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
#[event(topic = "ends.step", key = key)]
struct Step {
    key: String,
}

fn step(key: &str) -> Step {
    Step {
        key: key.to_owned(),
    }
}

/// A gate for threads.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn open(&self) {
        *self.0.0.lock().expect("nobody panics in it") = true;
        self.0.1.notify_all();
    }

    fn opened(&self) {
        let open = self.0.0.lock().expect("nobody panics in it");
        let waited = self.0.1.wait_timeout_while(open, PATIENCE, |open| !*open);
        drop(waited.expect("nobody panics in it"));
    }
}

#[derive(Clone)]
struct Threads {
    begun: Seen<()>,
    gate: Gate,
    blocked: mpsc::Sender<()>,
    door: Door,
    ended: Arc<AtomicUsize>,
}

/// Waits first, so that it no longer counts as one that begins; then keeps its thread.
#[event_handler(topic = Step::TOPIC)]
async fn block(_: Json<Step>, State(threads): State<Threads>) {
    threads.begun.add(());
    threads.gate.opened().await;
    threads.blocked.send(()).expect("the test waits");
    threads.door.opened();
    threads.ended.fetch_add(1, Ordering::SeqCst);
}

#[event_bus(group = "ends", state = Threads, handlers = [block])]
struct Blocking;

#[test]
fn a_shutdown_keeps_its_deadline_where_handlers_block_every_worker_thread() {
    several_buses();
    let runtime = runtime();
    let (blocked, blocks) = mpsc::channel();
    let threads = Threads {
        begun: Seen::default(),
        gate: Gate::default(),
        blocked,
        door: Door::default(),
        ended: Arc::default(),
    };
    let config = Config::memory().shutdown_deadline(Duration::from_millis(200));
    let bus = runtime.block_on(async {
        let bus = Blocking::new(config).start(threads.clone()).await;
        let bus = bus.expect("it starts");
        // The second waits behind the first, which is of its key: it never begins.
        for key in ["a", "a", "b"] {
            bus.publish(&step(key)).await.expect("published");
        }
        threads.begun.at_least(2).await;
        bus
    });
    threads.gate.open();
    for _ in 0..2 {
        blocks.recv_timeout(PATIENCE).expect("both threads");
    }
    let report = runtime.block_on(bus.shutdown()).expect("it ends");
    let ended = threads.ended.load(Ordering::SeqCst);
    threads.door.open();
    assert_eq!(ended, 0, "it did not wait for the handlers: {report}");
    let named = |left: &String| {
        left.starts_with("2 × handler `ends::block`") && left.contains("every worker thread")
    };
    assert!(report.left.iter().any(named), "{report}");
    assert_eq!((report.handled(), report.released()), (0, 1), "{report}");
}

#[test]
fn no_thread_is_left_of_a_shutdown() {
    alone("no_thread_is_left_of_a_shutdown", || {
        let runtime = runtime();
        let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
        let before = threads();
        for _ in 0..3 {
            let report = runtime.block_on(async {
                let bus = Quiet::new(Config::memory()).start().await;
                bus.expect("it starts").shutdown().await.expect("it ends")
            });
            assert!(report.left.is_empty(), "{report}");
        }
        // The system takes a thread off its list a moment after it was joined.
        runtime.block_on(eventually("no thread more than before", || {
            (threads() <= before).then_some(())
        }));
    });
}

#[event_bus(group = "quiet", handlers = [])]
struct Quiet;

/// Whether the handler's bus has ended: its state is gone.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Kept {
    _alive: Arc<Alive>,
}

#[event_handler(topic = Step::TOPIC)]
async fn keep(_: Json<Step>, State(_kept): State<Kept>) {}

#[event_bus(group = "kept", state = Kept, handlers = [keep])]
struct Keeping;

fn keeping(runtime: &Runtime) -> (Running, Arc<AtomicBool>) {
    several_buses();
    let gone = Arc::new(AtomicBool::new(false));
    let kept = Kept {
        _alive: Arc::new(Alive(Arc::clone(&gone))),
    };
    let bus = runtime.block_on(Keeping::new(Config::memory()).start(kept));
    (bus.expect("it starts"), gone)
}

#[test]
fn a_bus_that_is_dropped_outside_of_its_runtime_ends_on_it() {
    let runtime = runtime();
    let (bus, gone) = keeping(&runtime);
    drop(bus);
    runtime.block_on(eventually("the bus is gone", || {
        gone.load(Ordering::SeqCst).then_some(())
    }));
}

#[test]
fn a_bus_that_is_dropped_or_shut_down_within_another_runtime_ends_on_its_own() {
    let (first, second) = (runtime(), Builder::new_current_thread().build());
    // Without a clock: nothing of the bus could run here.
    let second = second.expect("threads");
    let (bus, gone) = keeping(&first);
    second.block_on(async { drop(bus) });
    first.block_on(eventually("the bus is gone", || {
        gone.load(Ordering::SeqCst).then_some(())
    }));
    let (bus, gone) = keeping(&first);
    let report = second.block_on(bus.shutdown()).expect("it ends");
    assert!(report.left.is_empty(), "{report}");
    assert!(gone.load(Ordering::SeqCst));
}

#[test]
fn nothing_hangs_where_the_runtime_of_the_bus_has_gone() {
    let (first, second) = (runtime(), runtime());
    let (bus, _) = keeping(&first);
    let (dropped, _) = keeping(&first);
    let publisher = bus.publisher();
    drop(first);
    second.block_on(async {
        let publish = Publish::new().timeout(Duration::from_millis(1));
        // Memory takes it at once; what matters is that there is an answer.
        drop(publisher.publish_with(&step("a"), publish).await);
        drop(dropped);
        let report = bus.shutdown().await.expect("it says what is left");
        assert!(!report.left.is_empty(), "{report}");
    });
}

#[test]
fn a_publish_into_a_full_log_is_answered_where_the_runtime_of_the_bus_has_gone() {
    several_buses();
    // Of one thread: while it is dropped, nothing of the bus runs that could make room for what the handler gives back.
    let first = Builder::new_current_thread().enable_all().build();
    let (first, second) = (first.expect("a runtime"), runtime());
    let bus = first.block_on(async {
        let bus = Waiting::new(Config::memory().memory_log(1)).start(Gate::default());
        let bus = bus.await.expect("it starts");
        bus.publish(&step("a")).await.expect("there is room");
        bus
    });
    let publisher = bus.publisher();
    drop(first);
    let publish = Publish::new().timeout(Duration::from_millis(1));
    let step = step("b");
    let answer = publisher.publish_with(&step, publish);
    let answer = second.block_on(async { tokio::time::timeout(PATIENCE, answer).await });
    let error = answer.expect("an answer").expect_err("nobody drives it");
    assert!(
        matches!(error, PublishError::NotConfirmed { .. }),
        "{error}"
    );
    second.block_on(async { drop(bus) });
}

#[event_handler(topic = Step::TOPIC)]
async fn wait(_: Json<Step>, State(gate): State<Gate>) {
    gate.opened().await;
}

#[event_bus(group = "waiting", state = Gate, handlers = [wait])]
struct Waiting;

#[test]
fn a_timeout_that_no_clock_can_count_is_a_long_one() {
    several_buses();
    runtime().block_on(async {
        let bus = Waiting::new(Config::memory()).start(Gate::default());
        let bus = bus.await.expect("it starts");
        let publish = Publish::new().timeout(Duration::MAX);
        let published = bus.publish_with(&step("a"), publish).await;
        published.expect("it is published");
        bus.stop().stop();
        let soon = Duration::from_millis(1);
        drop(tokio::time::timeout(soon, bus.shutdown()).await);
    });
}

#[derive(Clone, Default)]
struct Chain {
    begun: Gate,
    gate: Gate,
    last: Seen<()>,
}

/// Publishes to a group of its own, which has nothing to do until then.
#[event_handler(topic = Step::TOPIC)]
async fn pass_on(_: Json<Step>, publisher: Publisher, State(chain): State<Chain>) -> Result {
    chain.begun.open();
    chain.gate.opened().await;
    let passed = publisher.publish_raw("ends.passed", Key::of("k"), "", Publish::new());
    passed.await?;
    Ok(())
}

#[event_handler(topic = "ends.passed", key = Record, group = "after")]
async fn after(_: Raw, State(chain): State<Chain>) {
    chain.last.add(());
}

#[event_bus(group = "chain", state = Chain, handlers = [pass_on, after])]
struct Chained;

#[test]
fn while_a_bus_drains_only_its_handlers_publish() {
    several_buses();
    runtime().block_on(async {
        let chain = Chain::default();
        let bus = Chained::new(Config::memory()).start(chain.clone()).await;
        let bus = bus.expect("it starts");
        let publisher = bus.publisher();
        bus.publish(&step("a")).await.expect("published");
        chain.begun.opened().await;
        let refused = async {
            // From its first poll on the shutdown drains; until it does, it takes what comes.
            let first = std::time::Instant::now();
            loop {
                assert!(first.elapsed() < PATIENCE, "it is refused");
                let topic = "ends.nobody";
                let outside = publisher.publish_raw(topic, Key::NONE, "", Publish::new());
                match outside.await {
                    Ok(_) => tokio::task::yield_now().await,
                    Err(error) => break error,
                }
            }
        };
        let (report, error) = tokio::join!(bus.shutdown(), async {
            let error = refused.await;
            chain.gate.open();
            error
        });
        assert!(error.is_closed(), "{error}");
        let report = report.expect("it ends");
        assert_eq!((report.handled(), report.retried()), (2, 0), "{report}");
        assert!(report.left.is_empty(), "{report}");
        assert_eq!(chain.last.count(), 1);
    });
}

#[test]
fn a_start_without_a_full_runtime_is_an_error_that_names_the_fix() {
    several_buses();
    let refused = |started: std::result::Result<Running, StartError>| {
        let error = started.expect_err("nothing could run");
        assert!(matches!(error, StartError::NoRuntime { .. }), "{error}");
        let shown = error.to_string();
        assert!(shown.contains("tokio::main"), "{shown}");
        assert!(shown.contains("enable_all"), "{shown}");
    };
    let mut start = Box::pin(Quiet::new(Config::memory()).start());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match start.as_mut().poll(&mut context) {
        std::task::Poll::Ready(started) => refused(started),
        std::task::Poll::Pending => panic!("nobody would wake it"),
    }
    let bare = Builder::new_current_thread().build().expect("threads");
    refused(bare.block_on(Quiet::new(Config::memory()).start()));
    let timers = Builder::new_current_thread().enable_time().build();
    let timers = timers.expect("threads");
    #[cfg(feature = "nats")]
    refused(timers.block_on(Quiet::new(Config::new("nats://127.0.0.1:1")).start()));
    // In memory there is nothing to read and write.
    timers.block_on(async {
        let bus = Quiet::new(Config::memory()).start().await;
        bus.expect("it starts").shutdown().await.expect("it ends");
    });
}

#[test]
fn an_id_that_not_every_broker_carries_is_refused() {
    several_buses();
    runtime().block_on(async {
        let bus = Quiet::new(Config::memory()).start().await;
        let bus = bus.expect("it starts");
        let (longest, too_long) = ("x".repeat(256), "x".repeat(257));
        for id in ["", " x", "a\nb", "é", &*too_long] {
            let published = bus.publish_with(&step("a"), Publish::new().id(id)).await;
            let error = published.expect_err(id);
            assert!(matches!(error, PublishError::Id { .. }), "{id:?}: {error}");
        }
        for id in ["order-7", "a b/c:1", &*longest] {
            let published = bus.publish_with(&step("a"), Publish::new().id(id)).await;
            published.expect(id);
        }
        bus.shutdown().await.expect("it ends");
    });
}

#[test]
fn a_full_publish_window_says_what_to_raise() {
    several_buses();
    runtime().block_on(async {
        let config = Config::memory().memory_log(1).publish_window(1);
        let bus = Waiting::new(config.drain(bus_runtime::Drain::InFlight));
        let gate = Gate::default();
        let bus = bus.start(gate.clone()).await.expect("it starts");
        bus.publish(&step("a")).await.expect("there is room");
        let soon = || Publish::new().timeout(Duration::from_millis(50));
        let step = step("b");
        let (waits, full) = tokio::join!(
            bus.publish_with(&step, Publish::new().timeout(Duration::from_secs(1))),
            bus.publish_with(&step, soon())
        );
        drop(waits);
        let error = full.expect_err("the window is full");
        assert!(error.is_full(), "{error}");
        assert!(
            error.to_string().contains("raise `publish_window`"),
            "{error}"
        );
        gate.open();
        bus.shutdown().await.expect("it ends");
    });
}
