//! A consumer as the bus holds it.

use super::connection::Links;
use super::connection::Listeners;
use super::consumer::{ConsumerLoop, Phase, closed};
use super::feed::Feed;
use super::generation::Generation;
use super::layout::Layout;
use super::link::Link;
use super::options::NatsOptions;
use super::setup::{self, ApiOrTransport};
use crate::transport::{BoxFuture, Consumer, Intake, Leftover, Subscription, TransportError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How long a consumer may take to be set up, once connected.
const SETUP: Duration = Duration::from_secs(30);

/// What a task may need to end that is told to end now.
const MOMENT: Duration = Duration::from_millis(100);

/// A consumer as the bus holds it.
#[derive(Debug)]
pub(super) struct NatsConsumer {
    group: Arc<str>,
    phase: watch::Sender<Phase>,
    /// For its events, and for what is replayed for it.
    tasks: [JoinHandle<Leftover>; 2],
}

/// Begins a group's consumer.
pub(super) async fn consume(
    subscription: Subscription,
    intake: Intake,
    layout: Layout,
    options: Arc<NatsOptions>,
    mut links: Links,
    listeners: &Listeners,
    tracker: &TaskTracker,
) -> Result<Box<dyn Consumer>, TransportError> {
    let group = subscription.group;
    let deadline = Instant::now() + SETUP;
    let (phase, phase_seen) = watch::channel(Phase::Running);
    let begun = loop {
        let link = async { links.wait_for(Option::is_some).await.ok()?.clone() };
        let link = match tokio::time::timeout_at(deadline, link).await {
            Ok(link) => link.ok_or(TransportError::Closed)?,
            Err(_) => return Err(closed(&group)),
        };
        let start = async |feed: Feed, link: Link| {
            let begun = ConsumerLoop::begin(
                Arc::clone(&group),
                &subscription.topics,
                feed,
                Arc::clone(&options),
                links.clone(),
                link,
                phase_seen.clone(),
                intake.clone(),
            );
            begun.await
        };
        let both = async {
            setup::dead_letters(&link, &layout, &options).await?;
            setup::replays(&link, &layout, &options).await?;
            let events = start(Feed::events(layout.clone()), link.clone()).await?;
            let replays = Feed::replays(layout.clone(), Arc::clone(&group));
            Ok::<[(ConsumerLoop, Generation); 2], ApiOrTransport>([
                events,
                start(replays, link).await?,
            ])
        };
        match both.await {
            Ok(begun) => break begun,
            Err(error) if error.is_transient() && Instant::now() < deadline => {
                let error = error.during("setting up the consumer");
                crate::observe::warning!(group = &*group, "{error}; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error.during(&format!("the consumer of group `{group}`"))),
        }
    };
    listeners.add(intake);
    let tasks = begun.map(|(consumer, generation)| tracker.spawn(consumer.run(generation)));
    Ok(Box::new(NatsConsumer {
        group,
        phase,
        tasks,
    }))
}

impl Consumer for NatsConsumer {
    fn stop_intake(&self) {
        self.phase.send_if_modified(|phase| {
            let runs = *phase == Phase::Running;
            if runs {
                *phase = Phase::Stopping;
            }
            runs
        });
    }

    fn close(self: Box<Self>, deadline: Instant) -> BoxFuture<'static, Leftover> {
        Box::pin(async move {
            let NatsConsumer {
                group,
                phase,
                tasks,
            } = *self;
            let (inner, end) = deadlines(deadline);
            phase.send_replace(Phase::Closing(inner));
            let mut left = Vec::new();
            for mut task in tasks {
                match tokio::time::timeout_at(end, &mut task).await {
                    Ok(Ok(leftover)) => left.extend(leftover.0),
                    Ok(Err(error)) => {
                        left.push(format!("the consumer of group `{group}`: {error}"));
                    }
                    Err(_) => {
                        task.abort();
                        left.push(format!(
                            "the consumer of group `{group}`: it had to be aborted"
                        ));
                    }
                }
            }
            Leftover(left)
        })
    }
}

/// By when a task has to end on its own, so that it can say what it leaves, and when it is aborted. At or
/// after the deadline there is still a moment to end in.
pub(super) fn deadlines(deadline: Instant) -> (Instant, Instant) {
    let now = Instant::now();
    let left = deadline.saturating_duration_since(now);
    (now + left.mul_f64(0.9), deadline.max(now + MOMENT))
}
