//! A bus that runs.

use super::claim::Claim;
use super::ending::Ending;
use super::watch::Watch;
use super::{Config, Publish, PublishError, Publisher, Report, RunError, Stop};
use crate::dead::DeadLetters;
use crate::delivery::Dispatch;
use crate::event::Event;
use crate::observe::{Board, Health, HealthCheck, Phase};
use crate::pool::{Load, Pool};
use crate::transport::{Consumer, Receipt, Transport};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// A bus that runs. It ends by [`run_until`](Self::run_until) or [`shutdown`](Self::shutdown).
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer)]
/// struct OrderPlaced { customer: String }
///
/// #[event_handler(topic = OrderPlaced::TOPIC)]
/// async fn reserve(Json(order): Json<OrderPlaced>) {
///     println!("{}", order.customer);
/// }
///
/// #[event_bus(group = "shop", handlers = [reserve])]
/// struct Shop;
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bus = Shop::new(Config::memory()).start().await?;
/// bus.publish(&OrderPlaced { customer: "c-7".into() }).await?;
/// let report = bus.shutdown().await?;
/// assert_eq!((report.handled(), report.left.len()), (1, 0));
/// # Ok(()) }
/// ```
#[must_use = "a bus that is dropped ends without a report; call `run_until` or `shutdown`"]
pub struct Running {
    /// None once it is being shut down.
    parts: Option<Parts>,
    publisher: Publisher,
    dead_letters: DeadLetters,
    stop: Stop,
    check: HealthCheck,
}

/// What a running bus is made of.
pub(super) struct Parts {
    pub(super) bus: &'static str,
    /// The bus's own group.
    pub(super) group: Arc<str>,
    pub(super) config: Config,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) pool: Pool<Dispatch>,
    pub(super) consumers: Vec<Box<dyn Consumer>>,
    pub(super) board: Arc<Board>,
    /// Why a consumer cannot go on.
    pub(super) failed: watch::Sender<Option<Arc<str>>>,
    pub(super) tasks: TaskTracker,
    /// The one that the bus was started on, where everything of it runs, its end included.
    pub(super) runtime: Handle,
    pub(super) publisher: Publisher,
    pub(super) stop: Stop,
    pub(super) started: Instant,
    /// Ends when it is dropped.
    pub(super) watch: Watch,
    /// Behind all that has to be gone by then.
    pub(super) _life: Life,
    /// Last: the process is free again when all else has gone.
    pub(super) _claim: Claim,
}

/// Says that the bus has ended, when it is dropped.
#[derive(Debug)]
pub(super) struct Life(pub(super) Arc<Board>);

impl Drop for Life {
    fn drop(&mut self) {
        self.0.reach(Phase::Ended);
    }
}

impl Running {
    pub(super) fn new(parts: Parts) -> Self {
        Running {
            publisher: parts.publisher.clone(),
            dead_letters: DeadLetters::of_bus(
                Arc::clone(&parts.transport),
                Arc::clone(&parts.group),
                parts.config.publish_timeout,
            ),
            stop: parts.stop.clone(),
            check: HealthCheck::new(Arc::clone(&parts.board)),
            parts: Some(parts),
        }
    }

    /// Publishes an event to its topic, and waits until the broker has it; see [`Publisher::publish`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    ///
    /// # Cancel safety
    ///
    /// As [`Publisher::publish`].
    pub fn publish<'a, E: Event>(
        &'a self,
        event: &E,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a, E> {
        self.publisher.publish(event)
    }

    /// Publishes an event with an id, headers or a timeout of its own; see [`Publisher::publish_with`].
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish_with`].
    ///
    /// # Cancel safety
    ///
    /// As [`Publisher::publish`].
    pub fn publish_with<'a, E: Event>(
        &'a self,
        event: &E,
        with: Publish,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a, E> {
        self.publisher.publish_with(event, with)
    }

    /// Publishes many events, and waits until the broker has them; see [`Publisher::publish_all`].
    ///
    /// # Cancel safety
    ///
    /// As [`Publisher::publish_all`].
    pub fn publish_all<'a, 'e, E: Event + 'e, I: IntoIterator<Item = &'e E>>(
        &'a self,
        events: I,
    ) -> impl Future<Output = Vec<Result<Receipt, PublishError>>> + Send + use<'a, 'e, E, I> {
        self.publisher.publish_all(events)
    }

    /// Something that publishes, to be kept elsewhere. From the beginning of the shutdown on it answers with an
    /// error; handlers publish by their own [`Publisher`] parameter, until the drain is over.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        self.publisher.clone()
    }

    /// Something that asks for the shutdown, to be kept elsewhere.
    #[must_use]
    pub fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// The dead letters of the bus's group, to be looked at, replayed and purged while it runs. Those of a handler's own
    /// group are [`of_group`](DeadLetters::of_group).
    #[must_use]
    pub fn dead_letters(&self) -> DeadLetters {
        self.dead_letters.clone()
    }

    /// Whether the bus is alive and ready, and what is wrong with it.
    #[must_use]
    pub fn health(&self) -> Health {
        self.check.health()
    }

    /// Something that tells the health, to be kept elsewhere.
    #[must_use]
    pub fn health_check(&self) -> HealthCheck {
        self.check.clone()
    }

    /// The pool, until the bus is shut down.
    pub(crate) fn pool(&self) -> Option<&Pool<Dispatch>> {
        self.parts.as_ref().map(|parts| &parts.pool)
    }

    /// Shuts the bus down in the background.
    pub(crate) fn end_in_background(mut self) {
        self.parts
            .take()
            .into_iter()
            .for_each(|parts| drop(Ending::begin(parts)));
    }

    /// What the pool holds at the moment.
    #[must_use]
    pub fn load(&self) -> Load {
        self.parts
            .as_ref()
            .map(|parts| parts.pool.load())
            .unwrap_or_default()
    }

    /// Runs until `end` resolves, [`Stop::stop`] is called, or a consumer dies; then shuts down, as
    /// [`shutdown`](Self::shutdown) does.
    ///
    /// # Errors
    ///
    /// When a consumer could not go on; the report is in the error.
    ///
    /// # Cancel safety
    ///
    /// Dropped while it waits for the end, it shuts the bus down in the background; dropped later, the
    /// shutdown goes on.
    pub async fn run_until(self, end: impl Future) -> Result<Report, RunError> {
        if let Some(parts) = &self.parts {
            let mut failed = parts.failed.subscribe();
            tokio::select! {
                _ = end => {}
                () = self.stop.stopped() => {}
                _ = failed.wait_for(Option::is_some) => {}
            }
        }
        self.shutdown().await
    }

    /// Shuts the bus down: takes no more events, lets the handlers that run end until the drain's deadline,
    /// then cancels them, acknowledges what is settled, and closes. When it returns, nothing is left, or the
    /// report names what is. It runs on the runtime that the bus was started on, and returns soon after the
    /// deadline even where handlers block every worker thread of that runtime.
    ///
    /// What is waited for is the option `drain`: by default the handlers that run, and on `memory:`
    /// everything that was published.
    ///
    /// # Errors
    ///
    /// When a consumer had died; the report is in the error.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the shutdown goes on where the future is dropped.
    pub async fn shutdown(mut self) -> Result<Report, RunError> {
        let Some(parts) = self.parts.take() else {
            unreachable!("only a shutdown takes the parts, and it takes the bus with them")
        };
        let failed = parts.failed.subscribe();
        let report = Ending::begin(parts).report().await;
        match &*failed.borrow() {
            Some(error) => Err(RunError::Died {
                error: error.to_string(),
                report: Box::new(report),
            }),
            None => Ok(report),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(parts) = self.parts.take() else {
            return;
        };
        crate::observe::error!(
            bus = parts.bus,
            "dropped while it runs; call `run_until` or `shutdown`. It shuts down now"
        );
        drop(Ending::begin(parts));
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("load", &self.load())
            .finish_non_exhaustive()
    }
}
