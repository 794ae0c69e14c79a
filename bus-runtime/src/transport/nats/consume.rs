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
                tracing::warn!(group = &*group, "{error}; trying again");
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
            phase.send_replace(Phase::Closing(deadline));
            // A moment longer: the task itself keeps the deadline, and has more to say.
            match tokio::time::timeout_at(deadline + Duration::from_millis(100), &mut task).await {
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
