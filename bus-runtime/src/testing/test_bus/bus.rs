//! A bus under test.

use super::event::{TestEvent, TestOutcome, decoded};
use super::journal::Journal;
use super::not_idle::NotIdle;
use super::pace::Pace;
use super::recorder::Recorder;
use crate::bus::{
    Claim, Config, Drain, Ground, Report, RunError, Running, StartError, connect, group,
};
use crate::clock::Clock;
use crate::codec::FromPayload;
use crate::event::{Event, Message};
use crate::handler::Bus;
use std::fmt;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long a test waits by the machine's clock, unless it says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// A shutdown waits for handlers that hang no longer than this.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// The handlers of a bus, run by a test: it publishes, runs until all is settled, and asks what was handled, retried,
/// dead-lettered and published.
///
/// Any number of them run in a process, beside each other and beside a bus. It is a [`Running`] bus, and has its
/// methods too: `publish`, `publisher`, `health`, `dead_letters`.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::testing::TestBus;
/// use std::time::Duration;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer)]
/// struct OrderPlaced { customer: String }
///
/// const PATIENT: Retry = Retry::attempts(4).backoff(Duration::from_hours(1), Duration::from_hours(8));
///
/// #[event_handler(topic = OrderPlaced::TOPIC, retry = PATIENT)]
/// async fn reserve(Json(order): Json<OrderPlaced>, about: Metadata) -> Result {
///     if about.attempt < 4 {
///         Err("the stock is closed")?;
///     }
///     println!("reserved for {}", order.customer);
///     Ok(())
/// }
///
/// #[event_bus(group = "shop", handlers = [reserve])]
/// struct Shop;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In a `#[tokio::test]`:
/// let bus = TestBus::start::<Shop>(()).await?;
/// bus.publish(&OrderPlaced { customer: "c-7".into() }).await?;
/// bus.run_until_idle().await;
///
/// let handled = bus.handled::<OrderPlaced>();
/// assert_eq!(handled[0].customer, "c-7");
/// assert_eq!(bus.events()[0].failures[0].error, "the stock is closed");
/// // 1 h, 2 h, 4 h: they were skipped.
/// assert!(bus.skipped() > Duration::from_mins(7 * 60 - 1));
/// # Ok(()) }
/// ```
///
/// # What time it is
///
/// The bus's clock runs like any other, and [`run_until_idle`](Self::run_until_idle) skips it over the times in which
/// nothing happens but waiting: until the next attempt after a failure, or the next try of a handler that is braked.
/// Waits do not vary at random here.
/// [`advance`](Self::advance) moves it by as much as the test says, and with it the `timeout`s of handlers that run.
///
/// What handlers themselves wait for is not the bus's: a `tokio::time::sleep` takes its time, unless the test is
/// `#[tokio::test(start_paused = true)]`, with which a `TestBus` on `memory:` goes well. So do the deadlines of
/// publishes and of the shutdown. [`Metadata::time`](crate::Metadata::time) is the time of day.
///
/// # On a broker
///
/// [`on`](Self::on) runs the same test against a URL, in a namespace of its own.
///
/// # Its end
///
/// Dropped, it ends in the background; [`shutdown`](Self::shutdown) returns the report.
pub struct TestBus {
    /// None once it is shut down.
    running: Option<Running>,
    journal: Arc<Journal>,
    clock: Clock,
    durable: bool,
    patience: Duration,
}

impl TestBus {
    /// Starts the bus `B`, which is a struct with `#[event_bus]`, on `memory:`. Without a state, that is `()`.
    ///
    /// # Errors
    ///
    /// When there is no tokio runtime with timers: a test is `#[tokio::test]`.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the start goes on in the background, and the bus ends as soon as it runs.
    pub async fn start<B: Bus>(state: B::State) -> Result<Self, StartError> {
        TestBus::on::<B>(Config::memory().shutdown_deadline(SHUTDOWN), state).await
    }

    /// Starts the bus `B` with this configuration: on a broker, or on `memory:` with other limits.
    ///
    /// Where the configuration says no namespace, it is a new one: tests do not see each other's events, nor those of
    /// an earlier run. What a test leaves on a broker stays there, so let it be one that may be thrown away. Waits
    /// for retries are skipped there too; whatever the broker itself takes time for takes that time.
    ///
    /// # Errors
    ///
    /// As the bus's own `start`; but any number of them run in a process.
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Self::start).
    pub async fn on<B: Bus>(config: Config, state: B::State) -> Result<Self, StartError> {
        config.check()?;
        let mut config = config;
        config.namespace.get_or_insert_with(new_namespace);
        config.drain.get_or_insert(Drain::InFlight);
        let group = group::<B>(&config);
        let (journal, clock) = (Arc::new(Journal::of::<B>(&group)), Clock::skippable());
        let transport = connect(&config, &group).await?;
        let durable = transport.capabilities().durable;
        let transport = Recorder {
            transport,
            journal: Arc::clone(&journal),
            clock: clock.clone(),
        };
        let ground = Ground {
            config,
            claim: Claim::beside_others(),
            transport: Arc::new(transport),
            clock: clock.clone(),
            witness: Some(Arc::clone(&journal) as _),
        };
        Ok(TestBus {
            running: Some(ground.start::<B>(state).await?),
            journal,
            clock,
            durable,
            patience: PATIENCE,
        })
    }

    /// How long the test waits by the machine's clock until it says that the bus is not idle; 10 s by default. It is
    /// not waited out where the bus becomes idle.
    #[must_use = "it returns the bus"]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Runs until everything that was published is settled, with all that handlers publish meanwhile; skips the times
    /// in which events only wait for their next attempt.
    ///
    /// A task that a handler has spawned is not waited for, nor what it publishes later.
    ///
    /// # Panics
    ///
    /// When the bus is not idle within its [`patience`](Self::patience), with what still runs or waits:
    /// [`try_run_until_idle`](Self::try_run_until_idle) returns that.
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    #[track_caller]
    pub fn run_until_idle(&self) -> impl Future<Output = ()> + Send + '_ {
        let caller = Location::caller();
        async move { expect(self.try_run_until_idle().await, caller) }
    }

    /// Runs until everything is settled, as [`run_until_idle`](Self::run_until_idle) does.
    ///
    /// # Errors
    ///
    /// When the bus is not idle within its [`patience`](Self::patience).
    ///
    /// # Cancel safety
    ///
    /// May be dropped and called again.
    pub async fn try_run_until_idle(&self) -> Result<(), NotIdle> {
        match self.pace() {
            Some(pace) => pace.until_idle().await,
            None => Ok(()),
        }
    }

    /// Moves the bus's clock on by so much, and runs everything that is due meanwhile, each at its time: attempts after a
    /// failure, timeouts.
    ///
    /// For a handler that runs, this time passes: one that waits for something for longer than its `timeout` is
    /// cancelled, as it would be in a service. Before each step it gets 20 ms in which nothing happens.
    ///
    /// # Panics
    ///
    /// When handlers are busy for longer than the [`patience`](Self::patience) without waiting for anything.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the clock may have moved by a part of it.
    #[track_caller]
    pub fn advance(&self, time: Duration) -> impl Future<Output = ()> + Send + '_ {
        let caller = Location::caller();
        async move {
            if let Some(pace) = self.pace() {
                expect(pace.skip(time).await, caller);
            }
        }
    }

    /// How far the bus's clock is ahead: what [`run_until_idle`](Self::run_until_idle) and
    /// [`advance`](Self::advance) have skipped so far.
    #[must_use]
    pub fn skipped(&self) -> Duration {
        self.clock.ahead()
    }

    /// What handlers have done, one for each event and handler, in the order of their first attempts.
    #[must_use]
    pub fn events(&self) -> Vec<TestEvent> {
        self.journal.events()
    }

    /// The events of `E`'s topic that were handled, once for each handler, in the order of their first attempts.
    ///
    /// # Panics
    ///
    /// When one of them is no `E`.
    #[must_use]
    #[track_caller]
    pub fn handled<E: Event<Wire: FromPayload<Event = E>>>(&self) -> Vec<E::Wire> {
        let mut events = Vec::new();
        for event in self.events() {
            if event.outcome == TestOutcome::Handled && *event.topic == *E::TOPIC.name() {
                events.push(event.decode::<E>());
            }
        }
        events
    }

    /// The events that became dead letters, with their reasons, in the order of their first attempts.
    ///
    /// What became of them since, and replaying them, is the business of [`dead_letters`](Running::dead_letters), as on
    /// every running bus: a replay is one more event here.
    #[must_use]
    pub fn dead_lettered(&self) -> Vec<TestEvent> {
        let mut events = self.events();
        events.retain(|event| matches!(event.outcome, TestOutcome::Dead { .. }));
        events
    }

    /// The events of `E`'s topic that handlers have published, in the order in which the broker took them.
    ///
    /// Those that the test has published are not among them.
    ///
    /// # Panics
    ///
    /// When one of them is no `E`.
    #[must_use]
    #[track_caller]
    pub fn published<E: Event<Wire: FromPayload<Event = E>>>(&self) -> Vec<E::Wire> {
        decoded::<E>(&self.outbox())
    }

    /// Everything that handlers have published, with ids, keys and headers, in the order in which the broker took it.
    #[must_use]
    pub fn outbox(&self) -> Vec<Message> {
        self.journal.outbox()
    }

    /// Panics if an event became a dead letter, with all of them.
    ///
    /// # Panics
    ///
    /// Then.
    #[track_caller]
    pub fn assert_no_dead_letters(&self) {
        let dead = self.dead_lettered();
        if !dead.is_empty() {
            let lines: Vec<_> = dead.iter().map(|event| format!("\n  {event}")).collect();
            panic!("there are {} dead letters:{}", dead.len(), lines.concat());
        }
    }

    /// Shuts the bus down and reports. Handlers that run may end; what waits for its next attempt is released, which on
    /// `memory:` the report names as left behind. To have everything settled, run until idle first.
    ///
    /// # Errors
    ///
    /// When a consumer had died; the report is in the error.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the shutdown goes on where the future is dropped.
    pub async fn shutdown(mut self) -> Result<Report, RunError> {
        match self.running.take() {
            Some(running) => running.shutdown().await,
            None => unreachable!("only a shutdown takes it, and it takes the bus with it"),
        }
    }

    fn pace(&self) -> Option<Pace<'_>> {
        Some(Pace {
            pool: self.running.as_ref()?.pool()?,
            journal: &self.journal,
            clock: &self.clock,
            durable: self.durable,
            patience: self.patience,
        })
    }
}

/// A namespace that nobody else has: the random end of an id.
fn new_namespace() -> String {
    format!("test-{}", &Uuid::now_v7().simple().to_string()[16..])
}

#[track_caller]
fn expect(idle: Result<(), NotIdle>, caller: &Location<'_>) {
    if let Err(error) = idle {
        panic!("{error}\n  waited for at {caller}");
    }
}

impl Deref for TestBus {
    type Target = Running;

    fn deref(&self) -> &Running {
        self.running
            .as_ref()
            .expect("only a shutdown takes it, and it takes the bus with it")
    }
}

impl Drop for TestBus {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end_in_background();
        }
    }
}

/// What handlers have done, a line for each event.
impl fmt::Debug for TestBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let events = self.events();
        write!(f, "a bus with {} events", events.len())?;
        events.iter().try_for_each(|event| write!(f, "\n  {event}"))
    }
}
