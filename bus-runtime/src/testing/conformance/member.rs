//! A process as the broker sees one: a connection, a pool, and a consumer for each group.

use super::error::{Fault, Kept};
use super::stage::GRACE;
use crate::clock::Clock;
use crate::delivery::{Dispatch, Intake, Invocation, Routes, Sources, Subscribed};
use crate::event::{Message, Metadata};
use crate::handler::{Call, Ending, HandlerError, Retry, Route};
use crate::observe::{Board, Problem};
use crate::pool::{Limits, Load, Pool, Share};
use crate::transport::{Consumer, Leftover, Subscription, Transport};
use std::collections::{BTreeMap, HashMap};
use std::hash::RandomState;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

/// Far more than any part needs.
pub(super) const ROOMY: Limits = Limits {
    in_flight: 64,
    buffer: 4096,
    buffer_bytes: 64 * 1024 * 1024,
    delayed: 64,
    brake: None,
};

/// What a member handles, and within which bounds.
pub(super) struct Plan {
    pub(super) limits: Limits,
    pub(super) window: usize,
    pub(super) retry: Retry,
    pub(super) subscriptions: Vec<(&'static str, Arc<str>, Handle)>,
}

/// What a handler does with an event.
pub(super) type Handle = Arc<dyn Fn(Message, Metadata) -> Call + Send + Sync>;

impl Plan {
    pub(super) fn new() -> Self {
        Plan {
            limits: ROOMY,
            window: 4096,
            retry: Retry::attempts(8).backoff(Duration::from_millis(1), Duration::from_millis(20)),
            subscriptions: Vec::new(),
        }
    }

    /// A handler of a topic within a group.
    pub(super) fn on(mut self, topic: &'static str, group: &Arc<str>, handle: &Handle) -> Self {
        self.subscriptions
            .push((topic, Arc::clone(group), Arc::clone(handle)));
        self
    }
}

/// A process as the broker sees one.
pub(super) struct Member {
    pub(super) transport: Arc<dyn Transport>,
    pool: Pool<Dispatch>,
    consumers: Vec<Box<dyn Consumer>>,
    board: Arc<Board>,
    tasks: TaskTracker,
}

impl Member {
    pub(super) async fn start(transport: Arc<dyn Transport>, plan: Plan) -> Kept<Self> {
        let (board, tasks) = (Arc::<Board>::default(), TaskTracker::new());
        let mut groups = BTreeMap::<Arc<str>, HashMap<&'static str, usize>>::new();
        let mut subscribed = Vec::new();
        for (index, (topic, group, handle)) in plan.subscriptions.into_iter().enumerate() {
            groups
                .entry(Arc::clone(&group))
                .or_default()
                .insert(topic, index);
            subscribed.push(Subscribed {
                name: "conformance::handler",
                topic,
                group,
                retry: plan.retry,
                timeout: Duration::from_hours(1),
                route: Route::Record,
                begin: Box::new(move |invocation| {
                    let Invocation {
                        message, metadata, ..
                    } = invocation;
                    handle(message, metadata)
                }),
            });
        }
        let first = subscribed.len();
        subscribed.extend(groups.keys().map(Subscribed::no_handler));
        let share = Share {
            at_most: plan.limits.in_flight,
            timeout: Duration::from_hours(1),
            brakes: true,
        };
        let shares = vec![share; subscribed.len()];
        let dispatch = Dispatch::new(
            subscribed,
            Arc::clone(&transport),
            Arc::clone(&board),
            Duration::from_secs(10),
        );
        let pool = Pool::new(
            plan.limits,
            &shares,
            Arc::new(dispatch),
            tasks.clone(),
            Clock::default(),
        );
        let mut member = Member {
            transport,
            pool,
            consumers: Vec::new(),
            board,
            tasks,
        };
        let seed = RandomState::new();
        for (no_handler, (group, subscriptions)) in (first..).zip(groups) {
            let topics = subscriptions.keys().copied().collect();
            let intake = Intake::new(Routes {
                group: Arc::clone(&group),
                subscriptions,
                no_handler,
                pool: member.pool.clone(),
                window: plan.window,
                board: Arc::clone(&member.board),
                seed: seed.clone(),
                failed: watch::Sender::new(None),
                unrouted: AtomicU64::new(0),
                sources: Sources::default(),
            });
            let beginning = member
                .transport
                .consume(Subscription::new(group, topics), intake);
            let consumer = beginning
                .await
                .map_err(|error| Fault(format!("a consumer cannot begin: {error}")))?;
            member.consumers.push(consumer);
        }
        Ok(member)
    }

    pub(super) fn load(&self) -> Load {
        self.pool.load()
    }

    /// Events that the pool has.
    pub(super) fn held(&self) -> usize {
        self.pool.held()
    }

    /// What is wrong, as the health report says it.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let full = self.pool.delayed_full();
        let mut problems = self.board.health().problems;
        problems.extend(full.map(|(waiting, _)| Problem::DelayedFull {
            waiting,
            handlers: Vec::new(),
        }));
        problems
    }

    /// The consumers, to wait for them as a drain does.
    pub(super) fn consumers(&self) -> &[Box<dyn Consumer>] {
        &self.consumers
    }

    pub(super) fn stop_intake(&self) {
        self.consumers
            .iter()
            .for_each(|consumer| consumer.stop_intake());
    }

    /// Ends as a bus does: what runs may end, the rest is released. Then the connection is closed; nothing
    /// may be left over.
    pub(super) async fn end(self, patience: Duration) -> Kept {
        let deadline = Instant::now() + patience;
        self.stop_intake();
        self.pool.close();
        let drained = timeout_at(deadline, self.pool.drained()).await;
        drained.map_err(|_| Fault(format!("the pool is not drained: {:?}", self.pool.load())))?;
        self.finish(deadline).await
    }

    /// Ends as a bus does whose drain took too long: what runs is cancelled and released.
    pub(super) async fn cancel(self, patience: Duration) -> Kept {
        let deadline = Instant::now() + patience;
        self.stop_intake();
        self.pool.cancel();
        let drained = timeout_at(deadline, self.pool.drained()).await;
        drained.map_err(|_| Fault(format!("the pool is not drained: {:?}", self.pool.load())))?;
        self.finish(deadline).await
    }

    async fn finish(mut self, deadline: Instant) -> Kept {
        let transport = Arc::clone(&self.transport);
        let mut left = self.close_consumers(deadline).await?.0;
        let closed = timeout_at(deadline + GRACE, transport.close(deadline)).await;
        let closed =
            closed.map_err(|_| Fault("the transport's `close` outlives its deadline".into()))?;
        left.extend(closed.0);
        self.tasks.close();
        if timeout_at(deadline, self.tasks.wait()).await.is_err() {
            left.push(format!("{} tasks of the pool", self.tasks.len()));
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(Fault(format!(
            "the end left something behind: {}",
            left.join(", ")
        )))
    }

    /// Closes the consumers and leaves the connection open.
    pub(super) async fn close_consumers(&mut self, deadline: Instant) -> Kept<Leftover> {
        let mut left = Vec::new();
        for consumer in std::mem::take(&mut self.consumers) {
            let closed = timeout_at(deadline + GRACE, consumer.close(deadline)).await;
            let closed =
                closed.map_err(|_| Fault("a consumer's `close` outlives its deadline".into()))?;
            left.extend(closed.0);
        }
        Ok(Leftover(left))
    }

    /// Cancels what runs and releases what is held, without a word to the broker.
    pub(super) async fn release_all(&self) {
        self.pool.cancel();
        self.pool.drained().await;
    }
}

/// What still runs when a part fails runs no longer.
impl Drop for Member {
    fn drop(&mut self) {
        self.pool.cancel();
    }
}

/// An event that a handler has, which waits to be told what to return.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) message: Message,
    pub(super) metadata: Metadata,
    answer: oneshot::Sender<Ending>,
}

impl Arrival {
    pub(super) fn done(self) {
        self.end(Ending::Done);
    }

    pub(super) fn fail(self, error: &str) {
        self.end(Ending::Failed {
            error: HandlerError::from(error),
            after: None,
        });
    }

    pub(super) fn dead(self, reason: &str) {
        self.end(Ending::Dead {
            reason: reason.to_owned(),
        });
    }

    fn end(self, ending: Ending) {
        // Its attempt may have been cancelled: then the event comes again, or the part sees that it does not.
        drop(self.answer.send(ending));
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.message.payload).into_owned()
    }
}

/// A handler that asks the part what to return. Unanswered, it waits for ever.
pub(super) fn asking() -> (Handle, mpsc::UnboundedReceiver<Arrival>) {
    let (arrived, arrivals) = mpsc::unbounded_channel();
    let handle: Handle = Arc::new(move |message, metadata| {
        let (answer, answered) = oneshot::channel();
        // A part that has ended asks for nothing more.
        drop(arrived.send(Arrival {
            message,
            metadata,
            answer,
        }));
        Box::pin(async move {
            match answered.await {
                Ok(ending) => ending,
                Err(_) => std::future::pending().await,
            }
        })
    });
    (handle, arrivals)
}
