//! A consumer as the bus holds it.

use super::connection::Links;
use super::connection::Listeners;
use super::consumer::{ConsumerLoop, Phase, closed};
use super::layout::Layout;
use super::options::NatsOptions;
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
    task: JoinHandle<Leftover>,
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
    let (consumer, generation) = loop {
        let link = async { links.wait_for(Option::is_some).await.ok()?.clone() };
        let link = match tokio::time::timeout_at(deadline, link).await {
            Ok(link) => link.ok_or(TransportError::Closed)?,
            Err(_) => return Err(closed(&group)),
        };
        let begun = ConsumerLoop::begin(
            Arc::clone(&group),
            &subscription.topics,
            layout.clone(),
            Arc::clone(&options),
            links.clone(),
            link,
            phase_seen.clone(),
            intake.clone(),
        );
        match begun.await {
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
    let task = tracker.spawn(consumer.run(generation));
    Ok(Box::new(NatsConsumer { group, phase, task }))
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
                mut task,
            } = *self;
            let (inner, end) = deadlines(deadline);
            phase.send_replace(Phase::Closing(inner));
            match tokio::time::timeout_at(end, &mut task).await {
                Ok(Ok(leftover)) => leftover,
                Ok(Err(error)) => {
                    Leftover(vec![format!("the consumer of group `{group}`: {error}")])
                }
                Err(_) => {
                    task.abort();
                    Leftover(vec![format!(
                        "the consumer of group `{group}`: it had to be aborted"
                    )])
                }
            }
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
