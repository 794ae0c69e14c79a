//! The one task of a consumer: pulls, delivers, acknowledges.

mod finish;
mod reset;

use super::acks::{ACK, Delivered, NAK, PROGRESS, Unacknowledged};
use super::connection::Links;
use super::feed::Feed;
use super::generation::{Again, Generation};
use super::link::Link;
use super::mark::Seen;
use super::options::NatsOptions;
use super::setup::{ApiOrTransport, Durable};
use super::wire;
use crate::transport::{Epoch, Incoming, Intake, Leftover, Position, Source, TransportError};
use async_nats::{Message, Subject};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// How long settled events wait for others, so that they are acknowledged together, where many are not
/// acknowledged; where few are, it is the commit interval.
const GATHER: Duration = Duration::from_millis(2);
/// How long a generation has to live before the next one may begin at once.
const SOUND: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long the server may take to answer the last acknowledgement before it is asked what it knows.
const ANSWER: Duration = Duration::from_secs(1);
/// How long the end may wait for word of settled events to be taken.
const REMEMBER: Duration = Duration::from_secs(2);

/// What the bus asks of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Running,
    /// Takes no more events; acknowledging goes on.
    Stopping,
    /// Ends, by then.
    Closing(Instant),
}

/// The one task of a consumer.
#[derive(Debug)]
pub(super) struct ConsumerLoop {
    group: Arc<str>,
    feed: Feed,
    options: Arc<NatsOptions>,
    links: Links,
    phase: watch::Receiver<Phase>,
    intake: Intake,
    wake: Arc<Notify>,
    topics: HashMap<&'static str, Arc<str>>,
    durable: Durable,
    source: Source,
    /// Which stream it is: a stream that is made anew counts from 1 again.
    stream_created: Option<i128>,
    newest: Position,
    /// The newest event that this run, or the one whose mark it goes by, has seen.
    seen: Option<Seen>,
    open: Unacknowledged,
    /// Given back by the bus, not yet to the server: only once nothing is pulled any more, since what is
    /// given back comes again at once, behind newer events.
    released: Vec<Position>,
    /// Acknowledgements sent since intake stopped: sent again should the connection be lost, since nothing
    /// would be delivered again to be acknowledged then.
    last_acks: Vec<Subject>,
    last_ack: Option<Subject>,
    foreign: u64,
    /// Somebody else seems to consume as the same group.
    contended: bool,
    /// Up to where all was acknowledged at the last reset.
    floor: Position,
    /// How often in a row the connection was lost with nothing new delivered, and what was the newest then.
    stuck: (u32, Position),
    acknowledge_at: Option<Instant>,
    progress_at: Instant,
}

enum Over {
    Again(Again),
    Closing(Instant),
}

impl ConsumerLoop {
    /// Sets the consumer up and begins its first generation.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a consumer is made of, once"
    )]
    pub(super) async fn begin(
        group: Arc<str>,
        topics: &[&'static str],
        feed: Feed,
        options: Arc<NatsOptions>,
        links: Links,
        link: Link,
        phase: watch::Receiver<Phase>,
        intake: Intake,
    ) -> Result<(Self, Generation), ApiOrTransport> {
        // As it is to be; `reset` has it as it is.
        let durable = Durable {
            name: group.to_string(),
            stream: feed.stream().to_owned(),
            ack_wait: options.ack_wait,
            ack_limit: 0,
            is_new: false,
            settled: None,
        };
        let wake = Arc::new(Notify::new());
        let source = open_source(&intake, &feed, &wake, now_as_epoch());
        let mut consumer = ConsumerLoop {
            topics: topics
                .iter()
                .map(|topic| (*topic, Arc::from(*topic)))
                .collect(),
            progress_at: Instant::now(),
            group,
            feed,
            options,
            links,
            phase,
            intake,
            wake,
            durable,
            source,
            stream_created: None,
            newest: 0,
            seen: None,
            open: Unacknowledged::default(),
            released: Vec::new(),
            last_acks: Vec::new(),
            last_ack: None,
            foreign: 0,
            contended: false,
            floor: 0,
            stuck: (0, 0),
            acknowledge_at: None,
        };
        let generation = consumer.reset(link).await?;
        consumer.progress_at = Instant::now() + consumer.durable.ack_wait / 2;
        Ok((consumer, generation))
    }

    /// Runs until it is closed. Names what could not be ended in time.
    pub(super) async fn run(mut self, first: Generation) -> Leftover {
        let mut current = first;
        let mut quick = 0_u32;
        loop {
            let over = self.drive(&mut current).await;
            let why = match over {
                Over::Closing(deadline) => return self.finish(Some(current), deadline).await,
                Over::Again(why) => why,
            };
            if why != Again::Lost {
                crate::observe::warning!(
                    group = &*self.group,
                    "starting again behind the acknowledged events: {why}"
                );
            }
            quick = if current.born().elapsed() < SOUND && why != Again::Lost {
                quick + 1
            } else {
                0
            };
            if why == Again::Lost {
                let came = self.newest.max(self.floor);
                self.stuck = (
                    if came == self.stuck.1 {
                        self.stuck.0 + 1
                    } else {
                        1
                    },
                    came,
                );
            }
            // Once is a loss on the way; again and again, somebody else resets the consumer too.
            if matches!(why, Again::Gap { .. }) && quick >= 2 && !self.contended {
                self.contended = true;
                self.intake.contended(true);
            }
            // What came and was not delivered comes again.
            current.stop(&self.source).await;
            drop(current);
            current = match self.renew(quick).await {
                Ok(next) => next,
                Err(deadline) => return self.finish(None, deadline).await,
            };
        }
    }

    /// One generation, until it is over.
    async fn drive(&mut self, current: &mut Generation) -> Over {
        let mut came = Vec::new();
        loop {
            let phase = *self.phase.borrow_and_update();
            match phase {
                Phase::Running => {
                    let collected = current.collect(&self.source, &mut came);
                    self.deliver(current, &mut came).await;
                    if let Err(again) = collected {
                        return Over::Again(again);
                    }
                    if let Err(again) = current.fill(&self.source, &self.durable).await {
                        return Over::Again(again);
                    }
                }
                Phase::Stopping => self.stop(current).await,
                Phase::Closing(deadline) => {
                    self.stop(current).await;
                    return Over::Closing(deadline);
                }
            }
            let now = Instant::now();
            if self.acknowledge_at.is_some_and(|at| at <= now) {
                self.acknowledge_at = None;
                self.acknowledge(&current.link).await;
            }
            if self.progress_at <= now {
                self.progress_at = now + self.durable.ack_wait / 2;
                self.progress(&current.link).await;
            }
            let silent_at = current.silent_at();
            if silent_at.is_some_and(|at| at <= now) {
                return Over::Again(Again::Silent);
            }
            if self.open.len() > self.durable.ack_limit / 8 {
                // Long before the server delivers no more for want of acknowledgements.
                self.acknowledge_at = self.acknowledge_at.map(|at| at.min(now + GATHER));
            }
            let alone_at = self.contended.then(|| current.born() + SOUND);
            if alone_at.is_some_and(|at| at <= now) {
                self.contended = false;
                self.intake.contended(false);
            }
            let times = [self.acknowledge_at, silent_at, alone_at]
                .into_iter()
                .flatten();
            let next = times.fold(self.progress_at, Instant::min);
            let lost = current.link.lost.clone();
            tokio::select! {
                came = current.next(&self.source) => if let Err(again) = came {
                    return Over::Again(again);
                },
                () = self.wake.notified() => {
                    let wait = self.options.commit_interval;
                    self.acknowledge_at.get_or_insert_with(|| now + wait);
                }
                () = sleep_until(next) => {}
                changed = self.phase.changed() => if changed.is_err() {
                    // Nobody is left to close it: end at once.
                    return Over::Closing(Instant::now());
                },
                () = lost.cancelled() => {
                    // What had come is good. It also shows how far the server got, should it be an event
                    // that the client cannot read.
                    if phase == Phase::Running {
                        while current.collect(&self.source, &mut came).is_ok() && !came.is_empty() {
                            self.deliver(current, &mut came).await;
                        }
                        self.deliver(current, &mut came).await;
                    }
                    return Over::Again(Again::Lost);
                }
            }
        }
    }

    async fn deliver(
        &mut self,
        current: &mut Generation,
        came: &mut Vec<(usize, Delivered, Message)>,
    ) {
        if came.is_empty() {
            return;
        }
        let mut batch = Vec::with_capacity(came.len());
        for (at, delivered, message) in came.drain(..) {
            self.newest = self.newest.max(delivered.position);
            if self
                .seen
                .is_none_or(|seen| seen.position < delivered.position)
            {
                self.seen = Some(Seen::from(delivered));
            }
            let Some(topic) = self.feed.topic(&message.subject) else {
                self.skip(&current.link, &message).await;
                continue;
            };
            let topic = self
                .topics
                .get(topic)
                .cloned()
                .unwrap_or_else(|| topic.into());
            if let Some(reply) = message.reply.clone() {
                self.open.insert(delivered.position, reply);
            }
            let message = wire::event(message, topic, self.feed.stream(), &delivered);
            current.charge(at, message.size());
            batch.push(Incoming {
                position: delivered.position,
                message,
            });
        }
        self.source.deliver(batch);
        current.end_complete(&self.source);
    }

    /// Acknowledges a message that is no event of the bus: nobody will ever handle it.
    async fn skip(&mut self, link: &Link, message: &Message) {
        self.foreign += 1;
        if self.foreign == 1 {
            let subject = message.subject.as_str();
            crate::observe::warning!(
                stream = self.feed.stream(),
                group = &*self.group,
                subject,
                "the stream has messages whose subject is not one of an event under `{}`; they are acknowledged and left out",
                self.feed.subjects()
            );
        }
        self.source.give_back(crate::transport::Grant {
            events: 1,
            bytes: 0,
        });
        publish_all(link, message.reply.clone(), ACK).await;
    }

    /// Sends what was settled since the last time.
    async fn acknowledge(&mut self, link: &Link) {
        let mut settled = Vec::new();
        self.source.take_settled(&mut settled);
        self.source.take_released(&mut self.released);
        // What is not found was delivered before a reset: it comes again, and is acknowledged then.
        let replies: Vec<Subject> = settled
            .into_iter()
            .filter_map(|position| self.open.take(position))
            .collect();
        if let Some(last) = replies.last() {
            self.last_ack = Some(last.clone());
        }
        let stopping = *self.phase.borrow() != Phase::Running;
        if stopping {
            self.last_acks.extend(replies.iter().cloned());
        }
        publish_all(link, replies, ACK).await;
        if stopping {
            let released = std::mem::take(&mut self.released);
            let replies: Vec<Subject> = released
                .into_iter()
                .filter_map(|position| self.open.take(position))
                .collect();
            publish_all(link, replies, NAK).await;
        }
    }

    /// Shows the server that what is held is still worked on.
    async fn progress(&self, link: &Link) {
        let mut replies = Vec::new();
        self.source
            .held(&mut |position| replies.extend(self.open.get(position).cloned()));
        publish_all(link, replies, PROGRESS).await;
    }

    /// Takes no more events. What had come and is not delivered goes back.
    async fn stop(&mut self, current: &mut Generation) {
        let rest = current.stop(&self.source).await;
        publish_all(
            &current.link,
            rest.into_iter().filter_map(|message| message.reply),
            NAK,
        )
        .await;
        self.acknowledge_at.get_or_insert_with(Instant::now);
    }
}

fn open_source(intake: &Intake, feed: &Feed, wake: &Arc<Notify>, epoch: Epoch) -> Source {
    let wake = Arc::clone(wake);
    feed.open(intake, epoch, move || wake.notify_one())
}

/// Waits until the consumer is closed, and says by when it has to end.
async fn closing(mut phase: watch::Receiver<Phase>) -> Instant {
    let closing = phase
        .wait_for(|phase| matches!(phase, Phase::Closing(_)))
        .await;
    match closing.as_deref() {
        Ok(Phase::Closing(deadline)) => *deadline,
        _ => Instant::now(),
    }
}

/// The connection, once there is one; `None` when there will be none any more.
async fn present(links: &mut Links) -> Option<Link> {
    let is_present =
        |link: &Option<Link>| link.as_ref().is_some_and(|link| !link.lost.is_cancelled());
    links.wait_for(is_present).await.ok()?.clone()
}

/// Grows from one process to the next as their clocks do.
fn now_as_epoch() -> Epoch {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Hands answers to the client. Those that are lost with the connection are asked for again.
async fn publish_all(
    link: &Link,
    subjects: impl IntoIterator<Item = Subject>,
    answer: &'static [u8],
) {
    let publish = async {
        for subject in subjects {
            if link
                .client
                .publish(subject, Bytes::from_static(answer))
                .await
                .is_err()
            {
                return;
            }
        }
    };
    link.until_lost(publish).await;
}

pub(super) fn closed(group: &str) -> TransportError {
    TransportError::Unreachable(format!(
        "the connection was lost while the consumer of group `{group}` was set up"
    ))
}
