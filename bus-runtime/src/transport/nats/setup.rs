//! Streams and consumers: made, or compared with what is needed.

use super::api::ApiError;
use super::feed::Feed;
use super::layout::Layout;
use super::link::Link;
use super::mark;
use super::options::NatsOptions;
use crate::bus::Provision;
use crate::transport::TransportError;
use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// In a stream's metadata: its number of partitions.
const PARTITIONS: &str = "bus-partitions";
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// The first server with `CONSUMER.RESET`.
const OLDEST_SERVER: (i64, i64, i64) = (2, 14, 0);
/// The most servers that keep a stream, unless configured.
const REPLICAS: usize = 3;

/// What a server has to be.
pub(super) fn check_server(link: &Link) -> Result<(), TransportError> {
    let info = link.client.server_info();
    let (major, minor, patch) = OLDEST_SERVER;
    if !link.client.is_server_compatible(major, minor, patch) {
        return Err(TransportError::Refused(format!(
            "the NATS server has version {}; the bus needs {major}.{minor} or newer, which can reset a consumer",
            info.version
        )));
    }
    if !info.jetstream {
        return Err(TransportError::Refused(
            "the NATS server runs without JetStream; start it with `--jetstream`".into(),
        ));
    }
    Ok(())
}

/// The stream of all events, made if it is missing and may be made. Returns its number of partitions.
pub(super) async fn events(link: &Link, options: &NatsOptions) -> Result<u32, ApiOrTransport> {
    let name = &options.namespace;
    let layout = Layout::new(name, options.partitions);
    let info = match stream_info(link, name).await {
        Ok(info) => info,
        Err(error) if options.provision == Provision::None => {
            crate::observe::warning!(
                stream = name,
                "the stream cannot be looked at ({error}); taking {} partitions, as configured",
                options.partitions
            );
            return Ok(options.partitions);
        }
        Err(error) if error.is_stream_missing() && options.provision == Provision::Create => {
            create_stream(link, events_config(&layout, options), options.replicas).await?
        }
        Err(error) if error.is_stream_missing() => return Err(missing_stream(name).into()),
        Err(error) => return Err(error.into()),
    };
    check_events(&info.config, &layout.subjects()).map_err(Into::into)
}

/// What a stream that exists has to be; its number of partitions.
fn check_events(config: &stream::Config, subjects: &str) -> Result<u32, TransportError> {
    let name = &config.name;
    let refuse = |fault: String| {
        Err(TransportError::Refused(format!(
            "the stream `{name}` {fault}"
        )))
    };
    if !config.subjects.iter().any(|subject| subject == subjects) {
        return refuse(format!(
            "does not take `{subjects}`; choose another namespace or add the subject"
        ));
    }
    if config.retention != RetentionPolicy::Limits {
        return refuse(format!(
            "has the retention {:?}, under which one group would take events from another; it has to be by limits",
            config.retention
        ));
    }
    if config.storage == StorageType::Memory {
        crate::observe::warning!(
            stream = name,
            "the stream is kept in memory: it is lost when its server restarts"
        );
    }
    let Some(partitions) = config.metadata.get(PARTITIONS) else {
        return refuse(format!(
            "exists, but its metadata has no `{PARTITIONS}`: it is not the bus's; choose another namespace"
        ));
    };
    match partitions.parse() {
        Ok(partitions @ 1..) => Ok(partitions),
        _ => refuse(format!(
            "has `{partitions}` as `{PARTITIONS}`, which is no number of partitions"
        )),
    }
}

/// The stream of dead letters, made if it is missing and may be made.
pub(super) async fn dead_letters(
    link: &Link,
    layout: &Layout,
    options: &NatsOptions,
) -> Result<(), ApiOrTransport> {
    beside(link, dead_config(layout), options).await
}

/// The stream of replays, made if it is missing and may be made.
pub(super) async fn replays(
    link: &Link,
    layout: &Layout,
    options: &NatsOptions,
) -> Result<(), ApiOrTransport> {
    beside(link, replay_config(layout), options).await
}

/// A stream beside that of events.
async fn beside(
    link: &Link,
    config: stream::Config,
    options: &NatsOptions,
) -> Result<(), ApiOrTransport> {
    if options.provision == Provision::None {
        return Ok(());
    }
    match stream_info(link, &config.name).await {
        Ok(_) => Ok(()),
        Err(error) if error.is_stream_missing() && options.provision == Provision::Create => {
            create_stream(link, config, options.replicas).await?;
            Ok(())
        }
        Err(error) if error.is_stream_missing() => Err(missing_stream(&config.name).into()),
        Err(error) => Err(error.into()),
    }
}

fn missing_stream(name: &str) -> TransportError {
    TransportError::Refused(format!(
        "the stream `{name}` does not exist; create it, or set `provision` to `create`"
    ))
}

fn events_config(layout: &Layout, options: &NatsOptions) -> stream::Config {
    stream::Config {
        name: layout.stream().to_owned(),
        subjects: vec![layout.subjects()],
        max_age: options.max_age,
        discard: DiscardPolicy::Old,
        metadata: HashMap::from([(PARTITIONS.to_owned(), layout.partitions().to_string())]),
        ..kept_in_files()
    }
}

fn dead_config(layout: &Layout) -> stream::Config {
    stream::Config {
        name: layout.dead_stream(),
        subjects: vec![layout.dead_subjects()],
        // A full stream refuses: a dead letter is never thrown away for a newer one.
        discard: DiscardPolicy::New,
        ..kept_in_files()
    }
}

fn replay_config(layout: &Layout) -> stream::Config {
    stream::Config {
        name: layout.replay_stream(),
        subjects: vec![layout.replay_subjects()],
        // Each replay is for one group, and is gone once that has settled it; it is kept for a group that is down.
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        ..kept_in_files()
    }
}

fn kept_in_files() -> stream::Config {
    stream::Config {
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        duplicate_window: DUPLICATE_WINDOW,
        max_messages: -1,
        max_bytes: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        ..stream::Config::default()
    }
}

pub(super) async fn stream_info(link: &Link, name: &str) -> Result<stream::Info, ApiError> {
    link.api(&format!("STREAM.INFO.{name}"), &json!({})).await
}

async fn create_stream(
    link: &Link,
    mut config: stream::Config,
    replicas: Option<usize>,
) -> Result<stream::Info, ApiError> {
    let subject = format!("STREAM.CREATE.{}", config.name);
    let info = link.client.server_info();
    let servers = if info.cluster.is_some() {
        info.connect_urls.len()
    } else {
        1
    };
    config.num_replicas = replicas.unwrap_or(servers.clamp(1, REPLICAS));
    loop {
        match link.api::<stream::Info>(&subject, &config).await {
            Ok(info) => {
                let made = &info.config;
                tracing::info!(
                    stream = made.name,
                    subjects = ?made.subjects,
                    partitions = made.metadata.get(PARTITIONS),
                    max_age = ?made.max_age,
                    max_bytes = made.max_bytes,
                    max_messages = made.max_messages,
                    discard = ?made.discard,
                    duplicate_window = ?made.duplicate_window,
                    replicas = made.num_replicas,
                    "created a stream"
                );
                return Ok(info);
            }
            // A server may be advertised under several addresses: there were fewer servers than it seemed.
            Err(ApiError::Refused { .. }) if replicas.is_none() && config.num_replicas > 1 => {
                config.num_replicas -= 1;
            }
            // Somebody else was faster.
            Err(ApiError::Refused { code: 10_058, .. }) => {
                return stream_info(link, &config.name).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The durable consumer of a group.
#[derive(Clone, Debug)]
pub(super) struct Durable {
    /// Its group's full name.
    pub(super) name: String,
    pub(super) stream: String,
    /// After how long without a sign of life it delivers an event again, as the server has it.
    pub(super) ack_wait: Duration,
    /// How many events it delivers without an acknowledgement, as the server has it.
    pub(super) ack_limit: usize,
    /// It was missing, and is new.
    pub(super) is_new: bool,
    /// What its metadata say of settled events, as they do.
    pub(super) settled: Option<String>,
}

#[derive(Serialize)]
struct CreateConsumer<'a> {
    stream_name: &'a str,
    config: &'a consumer::Config,
    action: &'a str,
}

/// The durable consumer of a group for what it reads, made if it is missing and may be made.
///
/// One that exists is compared. What would break the bus's promises is an error. Other ack waits and ack
/// limits are brought in line under `create`: they come from the program's own configuration, which
/// changes from one version to the next, and an old limit would throttle the new version for ever.
pub(super) async fn consumer(
    link: &Link,
    feed: &Feed,
    group: &str,
    options: &NatsOptions,
) -> Result<Durable, ApiOrTransport> {
    let stream = feed.stream();
    let wanted = consumer_config(feed, group, options);
    let mut is_new = false;
    let found = match consumer_info(link, stream, group).await {
        Ok(info) => info,
        Err(error) if error.is_consumer_missing() && options.provision == Provision::Create => {
            let made = put_consumer(link, stream, &wanted, "create").await?;
            tracing::info!(
                stream,
                consumer = group,
                ack_wait = ?made.config.ack_wait,
                max_ack_pending = made.config.max_ack_pending,
                "created a consumer"
            );
            is_new = true;
            made
        }
        Err(error) if error.is_stream_missing() => return Err(missing_stream(stream).into()),
        Err(error) if error.is_consumer_missing() => {
            return Err(TransportError::Refused(format!(
                "the stream `{stream}` has no consumer `{group}`; create it, or set `provision` to `create`"
            ))
            .into());
        }
        Err(error) => return Err(error.into()),
    };
    check_consumer(&found.config, &wanted, feed)?;
    let mut config = found.config;
    let drifted =
        config.ack_wait != wanted.ack_wait || config.max_ack_pending != wanted.max_ack_pending;
    if drifted && options.provision == Provision::Create {
        let was = (config.ack_wait, config.max_ack_pending);
        config.ack_wait = wanted.ack_wait;
        config.max_ack_pending = wanted.max_ack_pending;
        config = put_consumer(link, stream, &config, "update").await?.config;
        let is = (config.ack_wait, config.max_ack_pending);
        crate::observe::warning!(
            stream,
            consumer = group,
            was = ?was,
            is = ?is,
            "changed the consumer's ack wait and its limit of acks"
        );
    } else if drifted {
        crate::observe::warning!(
            stream,
            consumer = group,
            is = ?(config.ack_wait, config.max_ack_pending),
            wanted = ?(wanted.ack_wait, wanted.max_ack_pending),
            "the consumer has another ack wait or limit of acks than the bus would give it"
        );
    }
    Ok(Durable {
        name: group.to_owned(),
        stream: stream.to_owned(),
        ack_wait: config.ack_wait,
        // -1 is no limit.
        ack_limit: usize::try_from(config.max_ack_pending).unwrap_or(usize::MAX),
        is_new,
        settled: config.metadata.remove(mark::SETTLED),
    })
}

fn consumer_config(feed: &Feed, group: &str, options: &NatsOptions) -> consumer::Config {
    // Not acknowledged are those that the bus holds, and those that are settled or asked for while others
    // are on their way: half as many again. Never more than the window: it would be filled.
    let most = (options.max_held + options.max_held / 2 + 2048)
        .min(options.window)
        .max(1);
    consumer::Config {
        durable_name: Some(group.to_owned()),
        name: Some(group.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        max_deliver: -1,
        filter_subject: feed.subjects(),
        max_ack_pending: i64::try_from(most).unwrap_or(i64::MAX),
        ..consumer::Config::default()
    }
}

fn check_consumer(
    found: &consumer::Config,
    wanted: &consumer::Config,
    feed: &Feed,
) -> Result<(), TransportError> {
    // Of events, that is all that there are. Of replays, it would take those of other groups, and acknowledge them.
    let unfiltered =
        !feed.is_replays() && found.filter_subject.is_empty() && found.filter_subjects.is_empty();
    let filtered_alike = found.filter_subject == wanted.filter_subject
        || found.filter_subjects == std::slice::from_ref(&wanted.filter_subject);
    let faults = [
        (
            found.deliver_subject.is_some(),
            "it pushes; the bus pulls".to_owned(),
        ),
        (
            found.ack_policy != wanted.ack_policy,
            format!(
                "its ack policy is {:?}; the bus needs {:?}",
                found.ack_policy, wanted.ack_policy
            ),
        ),
        (
            found.deliver_policy != wanted.deliver_policy,
            format!(
                "its deliver policy is {:?}; the bus needs {:?}",
                found.deliver_policy, wanted.deliver_policy
            ),
        ),
        (
            !unfiltered && !filtered_alike,
            format!(
                "it takes `{}{}`; the bus needs `{}`",
                found.filter_subject,
                found.filter_subjects.join("`, `"),
                wanted.filter_subject
            ),
        ),
        (
            found.max_deliver > 0,
            format!(
                "it gives an event up after {} deliveries; the bus has its own dead letters",
                found.max_deliver
            ),
        ),
        (
            !found.backoff.is_empty(),
            "it has a backoff, which breaks the ack wait".to_owned(),
        ),
        (found.headers_only, "it delivers headers only".to_owned()),
        (
            !found.inactive_threshold.is_zero(),
            "it is deleted, with its place, after a while without a pull".to_owned(),
        ),
        (
            !found.priority_groups.is_empty(),
            "it has priority groups".to_owned(),
        ),
    ];
    match faults.into_iter().find(|(is, _)| *is) {
        None => Ok(()),
        Some((_, fault)) => Err(TransportError::Refused(format!(
            "the consumer `{}` is not the bus's: {fault}; delete it, or choose another group",
            wanted.durable_name.as_deref().unwrap_or_default()
        ))),
    }
}

pub(super) async fn consumer_info(
    link: &Link,
    stream: &str,
    name: &str,
) -> Result<consumer::Info, ApiError> {
    link.api(&format!("CONSUMER.INFO.{stream}.{name}"), &json!({}))
        .await
}

async fn put_consumer(
    link: &Link,
    stream: &str,
    config: &consumer::Config,
    action: &str,
) -> Result<consumer::Info, ApiError> {
    let name = config.durable_name.as_deref().unwrap_or_default();
    let request = CreateConsumer {
        stream_name: stream,
        config,
        action,
    };
    link.api(&format!("CONSUMER.CREATE.{stream}.{name}"), &request)
        .await
}

/// Why something could not be set up.
#[derive(Debug)]
pub(super) enum ApiOrTransport {
    Api(ApiError),
    Transport(TransportError),
}

impl ApiOrTransport {
    /// Whether it may succeed later.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, ApiOrTransport::Api(error) if error.is_transient())
    }

    pub(super) fn during(self, what: &str) -> TransportError {
        match self {
            ApiOrTransport::Api(error) => error.during(what),
            ApiOrTransport::Transport(error) => error,
        }
    }
}

impl From<ApiError> for ApiOrTransport {
    fn from(error: ApiError) -> Self {
        ApiOrTransport::Api(error)
    }
}

impl From<TransportError> for ApiOrTransport {
    fn from(error: TransportError) -> Self {
        ApiOrTransport::Transport(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Drift = fn(&mut consumer::Config);

    fn layout() -> Layout {
        Layout::new("events", 16)
    }

    #[test]
    fn a_foreign_stream_is_refused_by_name() {
        let ours = events_config(&layout(), &NatsOptions::default());
        assert_eq!(check_events(&ours, "events.>").expect("our own"), 16);
        let refused = |change: fn(&mut stream::Config)| {
            let mut config = ours.clone();
            change(&mut config);
            check_events(&config, "events.>")
                .expect_err("not ours")
                .to_string()
        };
        assert!(refused(|config| config.metadata.clear()).contains("no `bus-partitions`"));
        assert!(
            refused(|config| config.subjects = vec!["orders.>".into()])
                .contains("does not take `events.>`")
        );
        assert!(
            refused(|config| config.retention = RetentionPolicy::WorkQueue).contains("WorkQueue")
        );
        let zero = refused(|config| drop(config.metadata.insert(PARTITIONS.into(), "0".into())));
        assert!(zero.contains("no number of partitions"), "{zero}");
    }

    #[test]
    fn a_consumer_that_would_break_a_promise_is_refused_by_name() {
        let events = Feed::events(layout());
        let wanted = consumer_config(&events, "shop", &NatsOptions::default());
        assert!(check_consumer(&wanted, &wanted, &events).is_ok());
        let cases: [(Drift, &str); 6] = [
            (
                |config| config.ack_policy = AckPolicy::All,
                "ack policy is All",
            ),
            (
                |config| config.deliver_policy = DeliverPolicy::New,
                "deliver policy is New",
            ),
            (
                |config| config.filter_subject = "events.3.>".into(),
                "`events.3.>`",
            ),
            (|config| config.max_deliver = 5, "5 deliveries"),
            (
                |config| config.deliver_subject = Some("push".into()),
                "pushes",
            ),
            (
                |config| config.inactive_threshold = Duration::from_secs(1),
                "deleted",
            ),
        ];
        for (change, fault) in cases {
            let mut config = wanted.clone();
            change(&mut config);
            let error = check_consumer(&config, &wanted, &events)
                .expect_err(fault)
                .to_string();
            assert!(error.contains(fault) && error.contains("`shop`"), "{error}");
        }
    }

    #[test]
    fn only_of_events_a_consumer_may_take_all() {
        let checked = |feed: &Feed| {
            let wanted = consumer_config(feed, "shop", &NatsOptions::default());
            let mut all = wanted.clone();
            all.filter_subject = String::new();
            check_consumer(&all, &wanted, feed)
        };
        assert!(checked(&Feed::events(layout())).is_ok());
        let error = checked(&Feed::replays(layout(), "shop".into())).expect_err("of all groups");
        let needs = "the bus needs `events~replay.shop.>`";
        assert!(error.to_string().contains(needs), "{error}");
    }

    #[test]
    fn the_ack_limit_holds_what_the_bus_holds_within_the_window() {
        let limit = |max_held, window| {
            let options = NatsOptions {
                max_held,
                window,
                ..NatsOptions::default()
            };
            consumer_config(&Feed::events(layout()), "shop", &options).max_ack_pending
        };
        assert_eq!(limit(1000, 65_536), 3548);
        assert_eq!(limit(1_000_000, 65_536), 65_536);
    }
}
