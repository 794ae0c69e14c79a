//! The one client that publishes, and the thread that serves it.

use super::client::Connection;
use super::desk::Desk;
use super::names::Names;
use super::options::KafkaOptions;
use super::producer::{self, Context};
use super::routes::Routes;
use super::topics::Topics;
use crate::transport::{Confirm, Outgoing, TransportError};
use rdkafka::producer::{BaseProducer, Producer};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the cluster is asked whether it is back, and the longest sleep.
const TICK: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const PROBE: Duration = Duration::from_millis(100);
/// How long the first connection is awaited at a time.
const SLICE: Duration = Duration::from_millis(500);
/// How often the log says that the first connection is awaited.
const PROGRESS: Duration = Duration::from_secs(5);
/// What is left of the time for the end for dropping the client, as a share of it.
const DROPPING: u32 = 5;

/// The one client that publishes, and the thread that serves it.
#[derive(Debug)]
pub(super) struct Publisher {
    desk: Arc<Desk>,
}

impl Publisher {
    /// Connects. Blocks, until the deadline or until `abandoned`.
    ///
    /// # Errors
    ///
    /// When no server answers by the deadline.
    pub(super) fn connect(
        options: &Arc<KafkaOptions>,
        names: &Names,
        connection: &Arc<Connection>,
        topics: &Arc<Topics>,
        abandoned: &CancellationToken,
    ) -> Result<Self, TransportError> {
        let desk = Arc::new(Desk::new(
            Arc::clone(options),
            Arc::clone(connection),
            Arc::clone(topics),
            Routes::new(names.clone()),
        ));
        let client = producer::create(options, Arc::clone(&desk))?;
        first_answer(options, connection, &client, abandoned)?;
        desk.replace(Some(Arc::new(client)));
        let served = Arc::clone(&desk);
        if let Err(error) = desk.start("kafka-publisher", move || serve(&served)) {
            drop(desk.replace(None));
            return Err(error);
        }
        Ok(Publisher { desk })
    }

    /// Hands an event over; never waits.
    pub(super) fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        self.desk.publish(outgoing, confirm);
    }

    /// Says of a key in a group's compacted topic what is so from now on; see [`Desk::say`].
    pub(super) fn say(
        &self,
        group: &Arc<str>,
        key: String,
        value: Option<String>,
        deadline: tokio::time::Instant,
        confirm: Confirm,
    ) {
        self.desk.say(group, key, value, deadline, confirm);
    }

    /// No publish begins any more; ends when all is answered, and at the deadline at the latest. `false` when it did
    /// not end by then.
    pub(super) async fn close(&self, deadline: tokio::time::Instant) -> bool {
        let now = tokio::time::Instant::now();
        let left = deadline.saturating_duration_since(now);
        self.desk
            .open
            .close((now + left - left / DROPPING).into_std());
        self.desk.tracker.close();
        if tokio::time::timeout_at(deadline, self.desk.tracker.wait())
            .await
            .is_err()
        {
            return false;
        }
        self.desk.join();
        true
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.desk.open.close(Instant::now());
    }
}

/// Waits until a server answers, which also makes the client ask for what it needs before the first event.
fn first_answer(
    options: &KafkaOptions,
    connection: &Connection,
    client: &BaseProducer<Context>,
    abandoned: &CancellationToken,
) -> Result<(), TransportError> {
    let servers = options.servers.join(", ");
    let begun = Instant::now();
    let mut told = begun;
    loop {
        let left = options.connect_timeout.saturating_sub(begun.elapsed());
        let slice = left.clamp(Duration::from_millis(1), SLICE);
        let answered = client.client().fetch_cluster_id(slice).is_some();
        // What it heard of the servers.
        producer::serve(client);
        if answered {
            connection.back();
            return Ok(());
        }
        let why = connection.last_fault();
        let why = why.unwrap_or_else(|| "no server answers".into());
        if left.is_zero() || abandoned.is_cancelled() {
            return Err(TransportError::Unreachable(format!(
                "Kafka at {servers} did not answer within `connect_timeout`: {why}"
            )));
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            crate::observe::warning!(servers, "Kafka does not answer yet: {why}; trying again");
        }
        // It may have failed at once.
        thread::sleep(PROBE.min(left));
    }
}

/// Serves the client until the end: its answers, the deadlines, the connection.
fn serve(desk: &Arc<Desk>) {
    let mut renewed = Instant::now();
    let mut probed = renewed;
    loop {
        let client = desk.client();
        if let Some(client) = &client {
            producer::serve(client);
        }
        let now = Instant::now();
        desk.expire(now);
        if desk.open.is_over(now) {
            break;
        }
        let failed = client
            .as_ref()
            .is_none_or(|client| client.context().is_fatal());
        if failed && now.duration_since(renewed) >= TICK {
            renewed = now;
            renew(desk);
        }
        if desk.connection.is_lost() && now.duration_since(probed) >= TICK {
            probed = now;
            probe(desk, client.as_deref());
        }
        drop(client);
        desk.open.sleep(now + TICK);
    }
    desk.topics.stop();
    let client = desk.replace(None);
    desk.open.end(|| {
        TransportError::Unreachable(
            "the bus shut down before Kafka answered; the event may be stored".into(),
        )
    });
    // What it still holds is thrown away: it was answered.
    drop(client);
}

/// Puts a new client in the place of one that has failed for good.
fn renew(desk: &Arc<Desk>) {
    match producer::create(&desk.options, Arc::clone(desk)) {
        Ok(client) => drop(desk.replace(Some(Arc::new(client)))),
        Err(error) => {
            crate::observe::warning!(
                "the Kafka client that publishes cannot be made anew: {error}"
            );
        }
    }
}

/// Asks whether the cluster is back: about one topic, since of all of them a large cluster has much to say.
fn probe(desk: &Desk, client: Option<&BaseProducer<Context>>) {
    let topic = desk.topics.any();
    if let Some(client) = client
        && client
            .client()
            .fetch_metadata(topic.as_deref(), PROBE)
            .is_ok()
    {
        desk.connection.back();
    }
}
