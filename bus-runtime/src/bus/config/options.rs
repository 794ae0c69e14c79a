//! Every option: its name, default, meaning.

use super::declare::{Refused, options};
use super::url::Url;
use super::{Brake, Drain, Provision, read};
use std::time::Duration;

const MIB: usize = 1 << 20;

options! {
    /// What a bus is told before it starts: where the events are, how many at once, how long to wait.
    ///
    /// Each option can be set in three ways that agree: by the method of its name; by the environment
    /// ([`from_env`](Config::from_env)); from a file of any self-describing format, by `Deserialize`. In
    /// text, durations are written `250ms`, `30s`, `5m`, sizes `64MiB`. What is not an option is an error
    /// everywhere. A file may leave out the URL, for the environment to give. Whether a value is allowed is checked when the bus starts, before the first
    /// connection, and all mistakes are reported at once.
    ///
    /// | option | default | meaning |
    /// |---|---|---|
    /// | `url` | none | which broker carries the events: `memory:`, `nats://host:port,…`, `kafka://host:port,…` |
    /// | `namespace` | none | lets several environments share a cluster |
    /// | `group` | the bus's | the group, in place of the one compiled in |
    /// | `in_flight` | 1024 | handlers running at once |
    /// | `buffer` | 16384 | events fetched and not started |
    /// | `buffer_bytes` | 64MiB | raw bytes of all events held |
    /// | `delayed` | 16384 | events waiting for a retry, or for a dead letter to be stored |
    /// | `brake` | 20 | failed attempts in a row after which a handler that does nothing else is braked; or `off` |
    /// | `window` | the transport's | events between the oldest unsettled and the newest taken of a source: 65536, on Kafka 1048576 |
    /// | `stuck_after` | 30s | how long an attempt may take until the health report names its event |
    /// | `drain` | the transport's | what a shutdown waits for: `in-flight` if the transport is durable, `everything` in memory |
    /// | `shutdown_deadline` | 25s | how long a shutdown takes in all |
    /// | `connect_timeout` | 30s | how long the start waits for the broker |
    /// | `publish_timeout` | 10s | how long a publish waits for the broker |
    /// | `publish_window` | 1024 | publishes under way at once, from handlers and from outside of them each |
    /// | `commit_interval` | 500ms | the latest time for acknowledgements and offsets |
    /// | `provision` | create | what the start does about topics, streams, consumers: `create`, `verify`, `none` |
    /// | `memory_log` | 1000000 | events that the memory transport keeps |
    /// | `memory_log_bytes` | 256MiB | bytes that the memory transport keeps |
    /// | `nats_partitions` | 16 | partitions of a stream that the bus creates |
    /// | `nats_max_age` | 7days | how long a stream that the bus creates keeps an event |
    /// | `nats_replicas` | up to 3 | copies of a stream that the bus creates |
    /// | `nats_ack_wait` | 5m | how long the server waits for a sign of life before it delivers again |
    /// | `kafka_partitions` | 12 | partitions of a topic that the bus creates |
    /// | `session_timeout` | 10s | Kafka: how long a member may be silent before its partitions go to others |
    /// | `revoke_drain` | 5s | Kafka: how long running handlers may go on when their partition goes to another member |
    ///
    /// ```
    /// use bus_runtime::Config;
    /// use std::time::Duration;
    ///
    /// let config = Config::new("nats://n1:4222,n2:4222")
    ///     .in_flight(256)
    ///     .shutdown_deadline(Duration::from_secs(10));
    ///
    /// let same: Config = serde_json::from_str(
    ///     r#"{"url": "nats://n1:4222,n2:4222", "in_flight": 256, "shutdown_deadline": "10s"}"#,
    /// )?;
    /// assert_eq!(config, same);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// `Debug` shows neither user nor password of the URL.
    pub struct Config;

    /// Sets which broker carries the events: `memory:`, `nats://[user:password@]host[:port],…` or
    /// `kafka://host[:port],…`.
    ///
    /// A user in front of a host is also that of the hosts behind it that name none. What is not a letter,
    /// digit, `-`, `_`, `.` or `~` in user or password is percent-encoded. NATS needs the feature `nats`,
    /// Kafka the feature `kafka`.
    url: Option<Url> = None, "none", read::text, (url: impl Into<String>) => Some(Url::new(url.into()));

    /// Sets the namespace, which lets several environments share a cluster: one or more of
    /// `A–Z a–z 0–9 _ -`, 32 bytes at most.
    ///
    /// On NATS it is the name of the stream and the first token of its subjects, `events` without one. On Kafka it stands
    /// in front of each topic and group, joined by `.`.
    namespace: Option<String> = None, "none", read::text, (name: impl Into<String>) => Some(name.into());

    /// Sets the bus's group, in place of the one compiled in: one or more of `A–Z a–z 0–9 _ -`, 64 bytes at
    /// most. The group names the service's progress at the broker.
    group: Option<String> = None, "the bus's", read::text, (name: impl Into<String>) => Some(name.into());

    /// Sets how many handlers run at once, over all topics: 1 to 1 000 000.
    in_flight: usize = 1024, "1024", read::number, (handlers: usize) => handlers;

    /// Sets how many events may be fetched and not started: 1 to 16 777 216.
    buffer: usize = 16_384, "16384", read::number, (events: usize) => events;

    /// Sets how many raw bytes all held events may have together, at least 1. A source that holds nothing
    /// may always add one event, however large.
    buffer_bytes: usize = 64 * MIB, "64MiB", read::size, (bytes: usize) => bytes;

    /// Sets how many events may wait for a retry, or for a dead letter to be stored: 1 to 16 777 216. When
    /// it is full, the sources of the subscriptions that fill it stop.
    delayed: usize = 16_384, "16384", read::number, (events: usize) => events;

    /// Sets after how many failed attempts in a row a handler is braked that does nothing but fail, or that none ever
    /// is; what that means is said at [`Brake`].
    brake: Brake = Brake::After(20), "20", read::brake, (brake: Brake) => brake;

    /// Sets how many events of a source may lie between the oldest unsettled and the newest taken: 1 to
    /// 16 777 216. A source whose window is full stops, and that source alone. The default is 65 536 on NATS, and
    /// on `memory:`, where each topic of each group is a source; on Kafka, where each partition is one, it is 1 048 576.
    window: Option<usize> = None, "the transport's", read::number, (events: usize) => Some(events);

    /// Sets how long an attempt may take until it counts as stuck: 1 ms to a day. It goes on, and the health report and
    /// the log name its event; the handler's `timeout` is what ends it.
    stuck_after: Duration = Duration::from_secs(30), "30s", read::duration, (time: Duration) => time;

    /// Sets what a shutdown waits for. On a durable transport that is what runs, since the broker delivers
    /// the rest again; in memory it is everything.
    drain: Option<Drain> = None, "the transport's", read::drain, (drain: Drain) => Some(drain);

    /// Sets how long a shutdown takes in all: 1 ms to a day. A fifth of it, 5 s at most, is kept for closing;
    /// in the rest handlers may finish, then they are cancelled. Kubernetes kills after 30 s.
    shutdown_deadline: Duration = Duration::from_secs(25), "25s", read::duration, (time: Duration) => time;

    /// Sets how long the start waits for the broker: 1 ms to a day. Once started, the bus reconnects for ever. On Kafka a
    /// group that is reached is waited for longer where need be, `session_timeout`, `revoke_drain` and 10 s: a process
    /// that was killed holds its partitions until its session is over.
    connect_timeout: Duration = Duration::from_secs(30), "30s", read::duration, (time: Duration) => time;

    /// Sets how long a publish waits until the broker has the event: 1 ms to a day.
    publish_timeout: Duration = Duration::from_secs(10), "10s", read::duration, (time: Duration) => time;

    /// Sets how many publishes may be under way at once: 1 to 1 000 000.
    publish_window: usize = 1024, "1024", read::number, (events: usize) => events;

    /// Sets the latest time at which what is settled is acknowledged at the broker: 1 ms to a day, and but
    /// for Kafka less than half of `nats_ack_wait`.
    commit_interval: Duration = Duration::from_millis(500), "500ms", read::duration, (time: Duration) => time;

    /// Sets what the start does about the topics, streams and consumers that the bus needs.
    provision: Provision = Provision::Create, "create", read::provision, (provision: Provision) => provision;

    /// Sets how many events the memory transport keeps. A publish into a full log waits, then fails; what handlers
    /// publish, and dead letters, are stored past the limit, so that a full log stops only those outside.
    memory_log: usize = 1_000_000, "1000000", read::number, (events: usize) => events;

    /// Sets how many bytes the memory transport keeps, with the exception of [`memory_log`](Self::memory_log). A
    /// publish into a full log waits, then fails; an event that is larger alone is refused at once.
    memory_log_bytes: usize = 256 * MIB, "256MiB", read::size, (bytes: usize) => bytes;

    /// Sets how many partitions a stream has that the bus creates on NATS: 1 to 1024. They are fixed for the
    /// stream's life; those of an existing stream are read from it.
    nats_partitions: u32 = 16, "16", read::number, (partitions: u32) => partitions;

    /// Sets how long a stream that the bus creates on NATS keeps an event: 2 minutes to 100 years. Dead
    /// letters do not expire.
    nats_max_age: Duration = Duration::from_hours(7 * 24), "7days", read::duration, (age: Duration) => age;

    /// Sets how many copies a stream has that the bus creates on NATS: 1 to 5. By default as many as there
    /// are servers, 3 at most.
    nats_replicas: Option<usize> = None, "up to 3", read::number, (copies: usize) => Some(copies);

    /// Sets how long a NATS server waits for a sign of life of an event before it delivers it again: 1 s to a
    /// day. The bus gives one after half of it, for every event that it holds.
    nats_ack_wait: Duration = Duration::from_mins(5), "5m", read::duration, (time: Duration) => time;

    /// Sets how many partitions a topic has that the bus creates on Kafka: 1 to 10 000. It bounds how many processes
    /// share a group's events of the topic. Those of an existing topic stay as they are.
    kafka_partitions: u32 = 12, "12", read::number, (partitions: u32) => partitions;

    /// Sets how long a Kafka broker hears nothing of a process before it gives the process's partitions to others of
    /// the group: 1 s to 5 minutes. Brokers have limits of their own, by default 6 s to 30 minutes.
    session_timeout: Duration = Duration::from_secs(10), "10s", read::duration, (time: Duration) => time;

    /// Sets how long handlers that run may go on when their partition is about to go to another process of the group;
    /// then they are cancelled: 1 ms to 4 minutes. Kafka delivers nothing to any process of the group meanwhile.
    revoke_drain: Duration = Duration::from_secs(5), "5s", read::duration, (time: Duration) => time;
}

impl Config {
    /// The defaults, with the events in the memory of this process: `memory:`.
    #[must_use = "it returns the configuration"]
    pub fn memory() -> Self {
        Config::new("memory:")
    }

    /// The defaults, with the events where `url` says; see [`url`](Self::url).
    #[must_use = "it returns the configuration"]
    pub fn new(url: impl Into<String>) -> Self {
        Config::unset().url(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table in the documentation: name and default.
    fn documented() -> Vec<(&'static str, &'static str)> {
        include_str!("options.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("/// | `"))
            .map(|row| {
                let mut cells = row.split('|').map(str::trim);
                let name = cells.next().expect("a name").trim_end_matches('`');
                (name, cells.next().expect("a default"))
            })
            .collect()
    }

    #[test]
    fn the_documented_table_is_the_codes() {
        assert_eq!(documented(), OPTIONS);
    }

    #[test]
    fn the_documented_default_is_the_codes() {
        for (name, text) in OPTIONS {
            let mut config = Config::unset();
            let empty = match *name {
                "url" => Some(config.url.is_none()),
                "namespace" => Some(config.namespace.is_none()),
                "group" => Some(config.group.is_none()),
                "window" => Some(config.window.is_none()),
                "drain" => Some(config.drain.is_none()),
                "nats_replicas" => Some(config.nats_replicas.is_none()),
                _ => None,
            };
            if let Some(empty) = empty {
                assert!(empty, "{name}");
            } else {
                assert_eq!(config.set(name, text), Ok(()), "{name}");
                assert_eq!(config, Config::unset(), "{name}");
            }
        }
    }
}
