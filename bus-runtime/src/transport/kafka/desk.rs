//! What publishing shares: between executors, the thread that serves the client, and the one that makes sure of topics.

use super::client::Connection;
use super::open::Open;
use super::options::KafkaOptions;
use super::producer::{self, Context};
use super::routes::{Prepared, Routes, Target, Way};
use super::thread::spawn;
use super::topics::{Kind, Topics};
use super::wire;
use crate::event::{Key, Message, check_topic};
use crate::transport::{Confirm, Destination, Outgoing, TransportError};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio_util::task::TaskTracker;

/// How long the client's own view of a new topic is awaited before events go to it.
const VIEW: Duration = Duration::from_secs(1);

/// How long one topic may take before the next one's turn.
const TURN: Duration = Duration::from_secs(1);

/// What publishing shares.
pub(super) struct Desk {
    pub(super) options: Arc<KafkaOptions>,
    pub(super) connection: Arc<Connection>,
    pub(super) topics: Arc<Topics>,
    pub(super) open: Open,
    routes: Routes,
    /// Taken out by the thread that drops it: that may take a while.
    client: RwLock<Option<Arc<BaseProducer<Context>>>>,
    /// The threads that have not ended.
    pub(super) tracker: TaskTracker,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Desk {
    pub(super) fn new(
        options: Arc<KafkaOptions>,
        connection: Arc<Connection>,
        topics: Arc<Topics>,
        routes: Routes,
    ) -> Self {
        Desk {
            options,
            connection,
            topics,
            open: Open::default(),
            routes,
            client: RwLock::new(None),
            tracker: TaskTracker::new(),
            threads: Mutex::default(),
        }
    }

    /// Hands an event over; never waits.
    pub(super) fn publish(self: &Arc<Self>, outgoing: Outgoing, confirm: Confirm) {
        let Outgoing {
            message,
            destination,
            deadline,
            ..
        } = outgoing;
        // A dead letter has to be stored, and its topic is its group's.
        let is_dead = matches!(destination, Destination::DeadLetters { .. });
        let headers = match check_topic(&message.topic).filter(|_| !is_dead) {
            None => wire::headers(&message, &destination),
            Some(fault) => Err(TransportError::Refused(format!(
                "`{}` is no topic: {fault}",
                message.topic
            ))),
        };
        let headers = match headers {
            Ok(headers) => headers,
            Err(error) => return confirm.answer(Err(error)),
        };
        let target = Target::of(&message, &destination);
        self.begin(target, (message, headers), false, deadline, confirm);
    }

    /// Says of a key in a group's compacted topic what is so from now on, or with nothing that there is nothing to say.
    pub(super) fn say(
        self: &Arc<Self>,
        group: &Arc<str>,
        key: String,
        value: Option<String>,
        deadline: tokio::time::Instant,
        confirm: Confirm,
    ) {
        let target = Target {
            kind: Kind::Resolved,
            name: Arc::clone(group),
        };
        let is_tombstone = value.is_none();
        let key = Key::from_bytes(key);
        let message = Message::new(Arc::clone(group), key, value.unwrap_or_default());
        let record = (message, OwnedHeaders::new());
        self.begin(target, record, is_tombstone, deadline, confirm);
    }

    fn begin(
        self: &Arc<Self>,
        target: Target,
        (message, headers): (Message, OwnedHeaders),
        is_tombstone: bool,
        deadline: tokio::time::Instant,
        confirm: Confirm,
    ) {
        let Some(due) = self.open.begin(confirm, deadline.into_std()) else {
            return;
        };
        let prepared = Prepared {
            due,
            message,
            headers,
            is_tombstone,
        };
        match self.routes.way(target, prepared) {
            Way::Direct(name, prepared) => self.send(&name, prepared),
            Way::Waits => {}
            Way::WaitsForOpener => self.start_opener(),
        }
    }

    /// Hands an event to the client, which never waits.
    fn send(&self, name: &str, prepared: Prepared) {
        let Prepared {
            due,
            message,
            headers,
            is_tombstone,
        } = prepared;
        let record = BaseRecord::with_opaque_to(name, Box::new(due)).headers(headers);
        let record = if is_tombstone {
            record
        } else {
            record.payload(&*message.payload)
        };
        let record = match message.key.as_bytes() {
            Some(key) => record.key(key),
            None => record,
        };
        let refused = {
            let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
            match &*client {
                Some(client) => client.send(record).err().map(|(error, _)| error),
                None => Some(KafkaError::Canceled),
            }
        };
        // Outside the lock, since it answers.
        if let Some(error) = refused {
            let error = self.undelivered(name, &error);
            self.open.answer(due, Err(error));
        }
    }

    /// Why an event was not stored.
    pub(super) fn undelivered(&self, name: &str, error: &KafkaError) -> TransportError {
        use RDKafkaErrorCode::{PurgeInflight, PurgeQueue, UnknownTopic, UnknownTopicOrPartition};
        match error.rdkafka_error_code() {
            Some(UnknownTopic | UnknownTopicOrPartition) => {
                self.topics.forget(name);
                self.routes.gone(name);
            }
            Some(PurgeQueue | PurgeInflight) | None if self.open.is_closing() => {
                return TransportError::Closed;
            }
            _ => {}
        }
        producer::undelivered(name, error, self.connection.last_fault().as_deref())
    }

    /// The client, unless it has ended.
    pub(super) fn client(&self) -> Option<Arc<BaseProducer<Context>>> {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        client.clone()
    }

    /// Puts another client in the place of the present one, which is returned.
    pub(super) fn replace(
        &self,
        client: Option<Arc<BaseProducer<Context>>>,
    ) -> Option<Arc<BaseProducer<Context>>> {
        let mut present = self.client.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *present, client)
    }

    /// Starts a thread that is part of publishing.
    pub(super) fn start(
        &self,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), TransportError> {
        let token = self.tracker.token();
        let thread = spawn(name, move || {
            let _token = token;
            work();
        })?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(())
    }

    /// After the last of them has ended its work.
    pub(super) fn join(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                crate::observe::error!("a thread that publishes to Kafka panicked");
            }
        }
    }

    fn start_opener(self: &Arc<Self>) {
        let desk = Arc::clone(self);
        if let Err(error) = self.start("kafka-topics", move || desk.open_topics()) {
            self.give_up(self.routes.abandoned(), &error);
        }
    }

    /// Makes sure of the topics that publishes wait for, until none waits.
    fn open_topics(&self) {
        loop {
            let awaited = self.routes.awaited(&self.open);
            if awaited.is_empty() {
                return;
            }
            for one in &awaited {
                // A topic that cannot be made holds up no other for longer than this.
                let until = one.until.min(Instant::now() + TURN);
                match self.topics.ensure(&[one.wanted()], until) {
                    Ok(()) => {
                        self.view(&one.name, one.until);
                        while let Some(waiting) = self.routes.ready(&one.target) {
                            for prepared in waiting {
                                if self.open.has(prepared.due) {
                                    self.send(&one.name, prepared);
                                }
                            }
                        }
                    }
                    // Those whose time is over are answered; the others may wait on.
                    Err(TransportError::Unreachable(_)) => {}
                    Err(error) => self.give_up(self.routes.failed(&one.target), &error),
                }
            }
        }
    }

    /// Has the client ask for a topic, so that it knows its partitions before the first event comes.
    fn view(&self, name: &str, until: Instant) {
        let left = until.saturating_duration_since(Instant::now()).min(VIEW);
        if let Some(client) = self.client()
            && let Err(error) = client.client().fetch_metadata(Some(name), left)
        {
            tracing::debug!(topic = name, "the client asks again by itself: {error}");
        }
    }

    fn give_up(&self, waiting: impl IntoIterator<Item = Prepared>, error: &TransportError) {
        for Prepared { due, .. } in waiting {
            self.open.answer(due, Err(error.clone()));
        }
    }

    /// Answers those whose time is over.
    pub(super) fn expire(&self, now: Instant) {
        self.open.expire(now, || {
            producer::unanswered(self.connection.last_fault().as_deref())
        });
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}
