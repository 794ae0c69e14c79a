//! A consumer as the bus holds it.

use super::context::Context;
use super::member::Member;
use super::settings::settings;
use super::wake::Wake;
use crate::transport::kafka::client::Connection;
use crate::transport::kafka::names::Names;
use crate::transport::kafka::options::KafkaOptions;
use crate::transport::kafka::thread;
use crate::transport::{BoxFuture, Consumer, Intake, Leftover, Subscription, TransportError};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

/// How often a start that waits for the group says so.
const PROGRESS: Duration = Duration::from_secs(5);
/// How much longer than its session and drain a member may take to let others in.
const SLACK: Duration = Duration::from_secs(10);
/// How long a start that fails waits for what it began.
const GIVE_UP: Duration = Duration::from_secs(2);
/// What a thread may need to end that is told to end now.
const MOMENT: Duration = Duration::from_millis(100);

/// A consumer as the bus holds it.
pub(super) struct KafkaConsumer {
    group: Arc<str>,
    wake: Held,
    ended: oneshot::Receiver<Leftover>,
    thread: JoinHandle<()>,
}

/// Ends a consumer that is dropped without a word: its thread would keep its partitions for as long as the process
/// lives.
struct Held(Arc<Wake>);

impl Drop for Held {
    fn drop(&mut self) {
        // After a word this comes too late to be heard.
        self.0.close(std::time::Instant::now() + GIVE_UP);
    }
}

/// Begins a group's consumer: joins the group, and waits until it has assigned something. `partitions` is how many
/// the topics have together.
pub(in crate::transport::kafka) async fn consume(
    subscription: Subscription,
    intake: Intake,
    options: &Arc<KafkaOptions>,
    names: &Names,
    connection: &Arc<Connection>,
    partitions: usize,
) -> Result<Box<dyn Consumer>, TransportError> {
    let group = subscription.group;
    let wire_group = names.group(&group);
    let context = Context::new(Arc::clone(connection), Arc::clone(&group));
    let settings = settings(options, &wire_group, partitions);
    let refused = |error: rdkafka::error::KafkaError| {
        TransportError::Refused(format!("the consumer of group `{wire_group}`: {error}"))
    };
    let mut consumer =
        BaseConsumer::from_config_and_context(&settings, context).map_err(refused)?;
    let wake = Arc::new(Wake::default());
    let client = Arc::clone(&wake);
    consumer.set_nonempty_callback(move || client.client());
    let topics = wire_topics(names, &group, &subscription.topics);
    let read: Vec<&str> = topics.keys().map(String::as_str).collect();
    consumer.subscribe(&read).map_err(refused)?;
    connection.listen(intake.clone());
    let context = Arc::clone(consumer.context());

    let (joined, mut has_joined) = oneshot::channel();
    let member = Member {
        group: Arc::clone(&group),
        options: Arc::clone(options),
        names: names.clone(),
        intake,
        connection: Arc::clone(connection),
        wake: Arc::clone(&wake),
        consumer: Arc::new(consumer),
        topics,
        partitions: HashMap::new(),
        ids: HashMap::new(),
        next_id: 0,
        epoch: 0,
        arriving: None,
        leaving: None,
        not_begun: Vec::new(),
        former: Vec::new(),
        is_closing: false,
        due: VecDeque::new(),
        unstored: Vec::new(),
        store_at: std::time::Instant::now(),
        joined: Some(joined),
        troubled: HashSet::new(),
    };
    let (end, ended) = oneshot::channel();
    let thread = thread::spawn("bus-kafka", move || {
        let (group, intake) = (Arc::clone(&member.group), member.intake.clone());
        let run = AssertUnwindSafe(|| member.run());
        let leftover = catch_unwind(run).unwrap_or_else(|_| {
            let what = format!("the consumer of group `{group}`: its thread has panicked");
            intake.fail(&TransportError::Refused(what.clone()));
            Leftover(vec![what])
        });
        // Nobody waits where the deadline is over.
        drop(end.send(leftover));
    })?;
    let consumer = Box::new(KafkaConsumer {
        group,
        wake: Held(wake),
        ended,
        thread,
    });
    // A member that was killed holds its partitions until its session ends, and others may drain: longer than that is
    // not the group's usual way.
    let patience = options
        .connect_timeout
        .max(options.session_timeout + options.revoke_drain + SLACK);
    let reason = || {
        context.reason().unwrap_or_else(|| {
            "a process of the group that was killed holds its partitions until `session_timeout` is over, one that \
             runs may be draining, or none of the topics exists"
                .to_owned()
        })
    };
    let joined = timeout_at(Instant::now() + patience, async {
        loop {
            match timeout(PROGRESS, &mut has_joined).await {
                Ok(Ok(joined)) => return joined,
                Ok(Err(_)) => return Err(TransportError::Closed),
                Err(_) => crate::observe::warning!(
                    group = &*consumer.group,
                    "the group has not assigned partitions yet, waiting: {}",
                    reason()
                ),
            }
        }
    });
    let joined = joined.await.unwrap_or_else(|_| {
        Err(TransportError::Refused(format!(
            "the group `{wire_group}` has given this process no partitions within {patience:?}: {}",
            reason()
        )))
    });
    if let Err(error) = joined {
        let left = consumer.close(Instant::now() + GIVE_UP).await;
        tracing::debug!("ended after a failed start: {left:?}");
        return Err(error);
    }
    Ok(consumer)
}

/// What a group reads, its replays too: from a topic's name at the broker to its own.
fn wire_topics(names: &Names, group: &str, topics: &[&'static str]) -> HashMap<String, Arc<str>> {
    let replays = (names.replay_topic(group), Names::replays(group).into());
    let topics = topics.iter();
    topics
        .map(|topic| (names.topic(topic), Arc::from(*topic)))
        .chain([replays])
        .collect()
}

impl Consumer for KafkaConsumer {
    fn stop_intake(&self) {
        self.wake.0.stop_intake();
    }

    fn close(self: Box<Self>, deadline: Instant) -> BoxFuture<'static, Leftover> {
        Box::pin(async move {
            // By the first time it has to end on its own, so that it can say what it leaves.
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            self.wake.0.close((now + left.mul_f64(0.9)).into_std());
            match timeout_at(deadline.max(now + MOMENT), self.ended).await {
                Ok(Ok(leftover)) => {
                    // It has said its last word: this takes no time.
                    let joined = self.thread.join();
                    debug_assert!(joined.is_ok(), "it was alive to say it");
                    leftover
                }
                // Its last word is said whatever happens to it.
                Ok(Err(_)) | Err(_) => Leftover(vec![format!(
                    "the consumer of group `{}`: its thread has not ended",
                    self.group
                )]),
            }
        })
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConsumer")
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}
