//! A million events are offered to handlers that are stuck or fail: what the bus holds stays within its bounds, and so
//! does the heap; when the handlers go on, everything does, by itself.

use bus_runtime::prelude::*;
use bus_runtime::{Brake, Load, Problem, Publish, Running};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tests::alloc::{self, Counting};
use tests::alone::{alone, figure, runtime};
use tests::patience::{until, within};
use tests::{alone_on_each_transport, alone_on_kafka};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Tasks that offer events.
const OFFERING: u64 = 64;

/// The payload of an event, in bytes.
const PAYLOAD: usize = 100;

/// What an event that is held may cost beside its bytes: headers, key, the attempt, the handler's future, in a build
/// without optimisation.
const OVERHEAD: usize = 1024;

/// What a bus has without events: tables, channels; and with them the client's buffers. That of Kafka has its own on a
/// heap that is not counted here, and bounds them apart.
const FIXED: usize = 256 * 1024;
const FIXED_CLIENT: usize = 1024 * 1024;

/// Far longer than the test: only the test lets a handler go on.
const FOR_EVER: Duration = Duration::from_hours(24);

/// Short enough that the failing come again when they are let, and long enough that most of them wait.
const AGAIN: Retry =
    Retry::attempts(1_000_000).backoff(Duration::from_secs(1), Duration::from_secs(1));

/// The state: the handlers are stuck, or fail, until the test says so.
#[derive(Clone)]
struct Mood {
    open: Arc<Semaphore>,
    well: Arc<AtomicBool>,
    handled: Arc<AtomicU64>,
}

impl Mood {
    fn new() -> Self {
        Mood {
            open: Arc::new(Semaphore::new(0)),
            well: Arc::default(),
            handled: Arc::default(),
        }
    }

    /// The handlers go on, from now on.
    fn heal(&self) {
        self.well.store(true, Ordering::Relaxed);
        self.open.close();
    }

    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }
}

macro_rules! handlers {
    ($($stuck:ident $failing:ident: $topic:literal),+) => {$(
        #[event_handler(topic = $topic, key = Record, timeout = FOR_EVER)]
        async fn $stuck(_: Raw, State(mood): State<Mood>) {
            // Closed is open, for everybody.
            drop(mood.open.acquire().await);
            mood.handled.fetch_add(1, Ordering::Relaxed);
        }

        #[event_handler(topic = $topic, key = Record, retry = AGAIN)]
        async fn $failing(_: Raw, State(mood): State<Mood>) -> Result {
            tokio::task::yield_now().await;
            if !mood.well.load(Ordering::Relaxed) {
                Err("not yet")?;
            }
            mood.handled.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    )+};
}

handlers!(stuck_a failing_a: "bounds.a", stuck_b failing_b: "bounds.b", stuck_c failing_c: "bounds.c");

const TOPICS: [&str; 3] = ["bounds.a", "bounds.b", "bounds.c"];

#[event_bus(group = "stuck", state = Mood, handlers = [stuck_a, stuck_b, stuck_c])]
struct Stuck;

#[event_bus(group = "failing", state = Mood, handlers = [failing_a, failing_b, failing_c])]
struct Failing;

/// What bounds a bus.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// N.
    in_flight: usize,
    /// M.
    buffer: usize,
    /// B.
    bytes: usize,
    /// D.
    delayed: usize,
    /// What the memory transport keeps in its log.
    log: usize,
}

const SMALL: Bounds = Bounds {
    in_flight: 64,
    buffer: 256,
    bytes: 40 * 1024,
    delayed: 128,
    log: 2000,
};

const ONE: Bounds = Bounds {
    in_flight: 1,
    buffer: 1,
    bytes: 64 * 1024,
    delayed: 1,
    log: 100,
};

const ONE_BYTE: Bounds = Bounds {
    in_flight: 1,
    buffer: 256,
    bytes: 1,
    delayed: 128,
    log: 100,
};

impl Bounds {
    fn set(self, config: Config) -> Config {
        config
            .in_flight(self.in_flight)
            .buffer(self.buffer)
            .buffer_bytes(self.bytes)
            .delayed(self.delayed)
            // Braked, those that fail would be tried too rarely to fill what they may.
            .brake(Brake::Off)
            .memory_log(self.log)
            .kafka_partitions(1)
            .publish_window(usize::try_from(OFFERING).expect("few"))
    }

    /// The bytes that the heap may have more than before the start: for each event that may be anywhere in the
    /// process, and what does not depend on them.
    fn heap(self, memory: bool) -> usize {
        let offered = usize::try_from(OFFERING).expect("few");
        let log = if memory { self.log } else { 0 };
        let anywhere = self.in_flight + self.buffer + self.delayed + log + offered;
        let fixed = if memory { FIXED } else { FIXED_CLIENT };
        anywhere * (PAYLOAD + OVERHEAD) + fixed
    }
}

/// The most of each that was seen.
#[derive(Debug, Default)]
struct Highest {
    in_flight: AtomicUsize,
    buffered: AtomicUsize,
    delayed: AtomicUsize,
    bytes: AtomicUsize,
    held: AtomicUsize,
}

impl Highest {
    fn look(&self, load: Load) {
        self.in_flight.fetch_max(load.in_flight, Ordering::Relaxed);
        self.buffered.fetch_max(load.buffered, Ordering::Relaxed);
        self.delayed.fetch_max(load.delayed, Ordering::Relaxed);
        self.bytes.fetch_max(load.bytes, Ordering::Relaxed);
        let held = load.in_flight + load.buffered + load.delayed;
        self.held.fetch_max(held, Ordering::Relaxed);
    }

    /// Says what was above its bound. An event that fails when D is full counts as buffered again, so that M bounds
    /// what is buffered only where nothing fails; what is held in all is bounded everywhere.
    fn check(&self, bounds: Bounds, fails: bool) -> Result<(), String> {
        let overflow = if fails { bounds.in_flight } else { 0 };
        let held = bounds.in_flight + bounds.buffer + bounds.delayed;
        // A source that holds nothing may add one event, however large; `memory:` has a source for each topic, and so
        // has Kafka here.
        let one_each = TOPICS.len() * 2 * PAYLOAD;
        for (what, highest, bound) in [
            ("in flight", &self.in_flight, bounds.in_flight),
            ("buffered", &self.buffered, bounds.buffer + overflow),
            ("delayed", &self.delayed, bounds.delayed),
            ("bytes", &self.bytes, bounds.bytes + one_each),
            ("held", &self.held, held),
        ] {
            let highest = highest.load(Ordering::Relaxed);
            if highest > bound {
                return Err(format!("{what}: {highest}, over {bound}: {self:?}"));
            }
        }
        Ok(())
    }
}

/// Offers so many events, and counts those that are taken and those that are refused for want of room; looks at the
/// bus meanwhile. In memory nothing waits for room: else a million would take its time.
async fn offer(bus: &Running, events: u64, waits: bool, highest: &Highest) -> (u64, u64) {
    let (taken, refused) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let mut tasks = JoinSet::new();
    for task in 0..OFFERING {
        let (publisher, taken, refused) = (bus.publisher(), taken.clone(), refused.clone());
        tasks.spawn(async move {
            let mut at = task;
            while at < events {
                let topic = TOPICS[usize::try_from(at % 3).expect("few")];
                let with = if waits {
                    Publish::new()
                } else {
                    Publish::new().timeout(Duration::ZERO)
                };
                let (key, payload) = (Key::of(&(at % 10_007)), vec![b'x'; PAYLOAD]);
                match publisher.publish_raw(topic, key, payload, with).await {
                    Ok(_) => taken.fetch_add(1, Ordering::Relaxed),
                    Err(error) if error.is_full() => refused.fetch_add(1, Ordering::Relaxed),
                    Err(error) => panic!("{error}"),
                };
                at += OFFERING;
            }
        });
    }
    while !tasks.is_empty() {
        highest.look(bus.load());
        let look_again = tokio::time::timeout(Duration::from_millis(1), tasks.join_next());
        if let Ok(Some(ended)) = look_again.await {
            ended.expect("a task that offers");
        }
    }
    (
        taken.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed),
    )
}

/// What is offered to whom.
struct Case {
    bounds: Bounds,
    fails: bool,
    in_memory: u64,
    on_a_broker: u64,
}

fn bounded(config: &Config, case: &Case) {
    let Case { bounds, fails, .. } = *case;
    let memory = *config == Config::memory();
    let events = if memory {
        case.in_memory
    } else {
        case.on_a_broker
    };
    let config = bounds.set(config.clone());
    runtime().block_on(async {
        let before = alloc::live();
        alloc::forget_peak();
        let (mood, highest) = (Mood::new(), Highest::default());
        let started = if fails {
            Failing::new(config).start(mood.clone()).await
        } else {
            Stuck::new(config).start(mood.clone()).await
        };
        let bus = started.expect("it starts");
        let begun = Instant::now();
        let (taken, refused) = offer(&bus, events, !memory, &highest).await;
        assert_eq!(taken + refused, events);
        assert_eq!(mood.handled(), 0);

        // The bounds are not only kept: they are reached.
        if fails {
            let full = |problem: &Problem| matches!(problem, Problem::DelayedFull { .. });
            until("the health says that D is full", || {
                highest.look(bus.load());
                bus.health().problems.iter().any(full)
            })
            .await;
            until("D is full", || bus.load().delayed == bounds.delayed).await;
        } else {
            let in_flight = || bus.load().in_flight;
            until("all N handlers are stuck", || in_flight() == bounds.in_flight).await;
            assert!(bus.health().ready, "{:?}", bus.health());
        }
        highest.look(bus.load());
        let grown = alloc::peak().saturating_sub(before);
        let offered = begun.elapsed();

        mood.heal();
        until("everything that was taken is handled", || {
            highest.look(bus.load());
            mood.handled() == taken
        })
        .await;
        until("nothing is wrong any more", || bus.health().problems.is_empty()).await;
        let report = within("the shutdown", bus.shutdown()).await;
        let report = report.expect("it runs until it is shut down");
        assert_eq!((report.handled(), report.dead_lettered()), (taken, 0));
        assert!(report.left.is_empty(), "{report}");

        let how = if fails { "failing" } else { "stuck" };
        figure(format_args!(
            "bounds: {how}, {bounds:?}: {events} offered, {taken} taken, {refused} refused in {offered:.0?}; {highest:?}; \
             heap + {grown} B of {}; all handled after {:.0?}",
            bounds.heap(memory),
            begun.elapsed()
        ));
        highest.check(bounds, fails).expect("within the bounds");
        assert!(grown <= bounds.heap(memory), "{grown} B");
    });
}

fn stuck_handlers(config: &Config) {
    bounded(
        config,
        &Case {
            bounds: SMALL,
            fails: false,
            in_memory: 1_000_000,
            on_a_broker: 100_000,
        },
    );
}

fn failing_handlers(config: &Config) {
    bounded(
        config,
        &Case {
            bounds: SMALL,
            fails: true,
            in_memory: 1_000_000,
            on_a_broker: 100_000,
        },
    );
}

fn one_of_each_stuck(config: &Config) {
    bounded(
        config,
        &Case {
            bounds: ONE,
            fails: false,
            in_memory: 10_000,
            on_a_broker: 300,
        },
    );
}

fn one_of_each_failing(config: &Config) {
    bounded(
        config,
        &Case {
            bounds: ONE,
            fails: true,
            in_memory: 10_000,
            on_a_broker: 300,
        },
    );
}

/// An event that is larger than all the room is handled nevertheless, one at a time from each source.
fn one_byte(config: &Config) {
    bounded(
        config,
        &Case {
            bounds: ONE_BYTE,
            fails: false,
            in_memory: 1000,
            on_a_broker: 100,
        },
    );
}

/// The same readings find a bus that is not bounded as it should be.
#[test]
fn what_is_over_its_bound_is_found() {
    alone("what_is_over_its_bound_is_found", || {
        runtime().block_on(async {
            let before = alloc::live();
            alloc::forget_peak();
            let (mood, highest) = (Mood::new(), Highest::default());
            let bus = Stuck::new(Config::memory()).start(mood.clone()).await;
            let bus = bus.expect("it starts");
            offer(&bus, 20_000, true, &highest).await;
            until("more than N of `SMALL` are stuck", || {
                highest.look(bus.load());
                bus.load().in_flight > SMALL.in_flight
            })
            .await;
            let found = highest.check(SMALL, false);
            let found = found.expect_err("the defaults are larger");
            assert!(found.starts_with("in flight"), "{found}");
            let grown = alloc::peak() - before;
            assert!(grown > SMALL.heap(true), "{grown} B");
            mood.heal();
            bus.shutdown().await.expect("it runs until it is shut down");
        });
    });
}

alone_on_each_transport!(
    stuck_handlers,
    failing_handlers,
    one_of_each_stuck,
    one_of_each_failing,
    one_byte,
);

alone_on_kafka!(
    stuck_handlers,
    failing_handlers,
    one_of_each_stuck,
    one_byte,
);
