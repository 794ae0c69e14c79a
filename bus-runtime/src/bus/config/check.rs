//! What is allowed.

use super::options::OPTIONS;
use super::url::{FORMS, shown};
use super::{Brake, Broker, Config, ConfigError};
use crate::event::check_name;
use bytesize::ByteSize;
use humantime::format_duration;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Counts: events of all kinds together stay far below `u32::MAX`.
const EVENTS: RangeInclusive<usize> = 1..=16_777_216;
const MILLION: RangeInclusive<usize> = 1..=1_000_000;
/// Sizes: sums of a few of them do not overflow.
const BYTES: RangeInclusive<usize> = 1..=usize::MAX >> 3;
const DAY: Duration = Duration::from_hours(24);
const CENTURY: Duration = Duration::from_hours(100 * 8766);
/// Times to wait: a day at most, so that adding one to now does not overflow.
const WAIT: RangeInclusive<Duration> = Duration::from_millis(1)..=DAY;
/// No shorter than the time in which a NATS server recognises a repeated publish, which it demands.
const MAX_AGE: RangeInclusive<Duration> = Duration::from_mins(2)..=CENTURY;

/// No longer than the time between two polls that a Kafka group allows its members, 5 minutes.
const SESSION: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
/// Well below that time, since a member that is late loses all of its partitions.
const REVOKE_DRAIN: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_mins(4);

impl Config {
    /// Finds every value that is not allowed, before the first connection.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let mut mistakes = Mistakes(Vec::new());
        if let Err(mistake) = self.try_broker() {
            mistakes.0.push(mistake);
        }
        mistakes.name("namespace", self.namespace.as_deref(), 32);
        mistakes.name("group", self.group.as_deref(), 64);
        mistakes.number("in_flight", self.in_flight, MILLION);
        mistakes.number("buffer", self.buffer, EVENTS);
        mistakes.size("buffer_bytes", self.buffer_bytes, BYTES);
        mistakes.number("delayed", self.delayed, EVENTS);
        if let Brake::After(failures) = self.brake {
            mistakes.number("brake", failures, 1..=1_000_000);
        }
        mistakes.number("window", self.window.unwrap_or(1), EVENTS);
        mistakes.duration("stuck_after", self.stuck_after, WAIT);
        mistakes.duration("shutdown_deadline", self.shutdown_deadline, WAIT);
        mistakes.duration("connect_timeout", self.connect_timeout, WAIT);
        mistakes.duration("publish_timeout", self.publish_timeout, WAIT);
        mistakes.number("publish_window", self.publish_window, MILLION);
        mistakes.duration("commit_interval", self.commit_interval, WAIT);
        mistakes.number("memory_log", self.memory_log, 1..=usize::MAX >> 3);
        mistakes.size("memory_log_bytes", self.memory_log_bytes, BYTES);
        mistakes.number("nats_partitions", self.nats_partitions, 1..=1024);
        mistakes.duration("nats_max_age", self.nats_max_age, MAX_AGE);
        mistakes.number("nats_replicas", self.nats_replicas.unwrap_or(1), 1..=5);
        mistakes.duration(
            "nats_ack_wait",
            self.nats_ack_wait,
            Duration::from_secs(1)..=DAY,
        );
        mistakes.number("kafka_partitions", self.kafka_partitions, 1..=10_000);
        mistakes.duration("session_timeout", self.session_timeout, SESSION);
        mistakes.duration("revoke_drain", self.revoke_drain, REVOKE_DRAIN);
        // An event whose acknowledgement waits for half of the ack wait would be delivered again.
        let on_kafka = matches!(self.try_broker(), Ok(Broker::Kafka { .. }));
        if !on_kafka && self.commit_interval >= self.nats_ack_wait / 2 {
            mistakes.add(
                "commit_interval",
                &format_duration(self.commit_interval),
                "less than half of `nats_ack_wait`",
            );
        }
        ConfigError::unless_empty(mistakes.0)
    }

    /// The broker that the URL names.
    pub(crate) fn broker(&self) -> Result<Broker, ConfigError> {
        self.try_broker().map_err(ConfigError::one)
    }

    /// Whether events stay in this process.
    pub(crate) fn is_memory(&self) -> Result<bool, ConfigError> {
        Ok(matches!(self.broker()?, Broker::Memory))
    }

    fn try_broker(&self) -> Result<Broker, String> {
        let Some(url) = &self.url else {
            return Err(format!("`url` is missing; it must be {FORMS}"));
        };
        url.broker()
            .map_err(|mistake| format!("`url` is `{url}`; {mistake}"))
    }
}

struct Mistakes(Vec<String>);

impl Mistakes {
    fn add(&mut self, name: &str, value: &impl ToString, allowed: &str) {
        let default = OPTIONS.iter().find(|(option, _)| *option == name);
        let (_, default) = default.expect("only options are checked");
        let value = value.to_string();
        self.0.push(format!(
            "`{name}` is `{value}`; allowed: {allowed} (default: {default})"
        ));
    }

    fn name(&mut self, name: &str, value: Option<&str>, bytes: usize) {
        let Some(value) = value else { return };
        if check_name(value, bytes).is_some() {
            let allowed = format!("1 to {bytes} ASCII letters, digits, `-` and `_`");
            self.add(name, &shown(value), &allowed);
        }
    }

    fn number<N: Copy + PartialOrd + ToString>(
        &mut self,
        name: &str,
        value: N,
        allowed: RangeInclusive<N>,
    ) {
        self.within(name, &value, allowed, N::to_string);
    }

    fn size(&mut self, name: &str, value: usize, allowed: RangeInclusive<usize>) {
        self.within(name, &value, allowed, |bytes| {
            ByteSize(*bytes as u64).to_string()
        });
    }

    fn duration(&mut self, name: &str, value: Duration, allowed: RangeInclusive<Duration>) {
        self.within(name, &value, allowed, |time| {
            format_duration(*time).to_string()
        });
    }

    fn within<T: PartialOrd>(
        &mut self,
        name: &str,
        value: &T,
        allowed: RangeInclusive<T>,
        show: impl Fn(&T) -> String,
    ) {
        if !allowed.contains(value) {
            let allowed = format!("{} to {}", show(allowed.start()), show(allowed.end()));
            self.add(name, &show(value), &allowed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mistakes of the configuration in which `name` is set to `text`.
    fn mistakes(name: &str, text: &str) -> Vec<String> {
        let mut config = Config::memory();
        assert_eq!(config.set(name, text), Ok(()), "{name} = {text}");
        match config.check() {
            Ok(()) => Vec::new(),
            Err(error) => error.mistakes().map(str::to_owned).collect(),
        }
    }

    #[test]
    fn the_defaults_are_allowed() {
        assert_eq!(Config::memory().check(), Ok(()));
        assert_eq!(Config::memory().broker(), Ok(Broker::Memory));
    }

    #[test]
    fn limits_are_allowed_and_what_is_beyond_them_is_not() {
        let long = |bytes| "x".repeat(bytes);
        let bytes = (usize::MAX >> 3).to_string();
        let beyond = (1 + (usize::MAX >> 3)).to_string();
        for (name, allowed, refused) in [
            ("url", ["memory:", "memory:"], ["", "redis://a"]),
            ("namespace", ["a-Z_9", &long(32)], ["", &long(33)]),
            ("namespace", ["x", "__"], ["a.b", "ü"]),
            ("group", ["a-Z_9", &long(64)], ["", &long(65)]),
            ("group", ["x", "7"], ["a~b", "a b"]),
            ("in_flight", ["1", "1000000"], ["0", "1000001"]),
            ("buffer", ["1", "16777216"], ["0", "16777217"]),
            ("buffer_bytes", ["1", &bytes], ["0", &beyond]),
            ("delayed", ["1", "16777216"], ["0", "16777217"]),
            ("brake", ["1", "1000000"], ["0", "1000001"]),
            ("window", ["1", "16777216"], ["0", "16777217"]),
            ("drain", ["in-flight", "everything"], ["", ""]),
            ("stuck_after", ["1ms", "1day"], ["0s", "86401s"]),
            ("shutdown_deadline", ["1ms", "1day"], ["999us", "86401s"]),
            ("connect_timeout", ["1ms", "1day"], ["0s", "86401s"]),
            ("publish_timeout", ["1ms", "1day"], ["0s", "86401s"]),
            ("publish_window", ["1", "1000000"], ["0", "1000001"]),
            ("commit_interval", ["1ms", "149s"], ["0s", "150s"]),
            ("provision", ["verify", "none"], ["", ""]),
            ("memory_log", ["1", &bytes], ["0", &beyond]),
            ("memory_log_bytes", ["1", &bytes], ["0", &beyond]),
            ("nats_partitions", ["1", "1024"], ["0", "1025"]),
            ("nats_max_age", ["2m", "100years"], ["119s", "101years"]),
            ("nats_replicas", ["1", "5"], ["0", "6"]),
            ("nats_ack_wait", ["2s", "1day"], ["999ms", "86401s"]),
            ("kafka_partitions", ["1", "10000"], ["0", "10001"]),
            ("session_timeout", ["1s", "5m"], ["999ms", "301s"]),
            ("revoke_drain", ["1ms", "4m"], ["0s", "241s"]),
        ] {
            for text in allowed {
                assert_eq!(mistakes(name, text), [""; 0], "{name} = {text}");
            }
            if matches!(name, "drain" | "provision") {
                // Every value that can be read is allowed.
                continue;
            }
            for text in refused {
                let mistakes = mistakes(name, text);
                assert!(!mistakes.is_empty(), "{name} = {text}");
                assert!(
                    mistakes[0].starts_with(&format!("`{name}` is ")),
                    "{mistakes:?}"
                );
            }
        }
    }

    #[test]
    fn all_mistakes_are_reported_with_value_and_what_is_allowed() {
        let config = Config::new("redis://user:secret@cache:6379")
            .namespace("a.b")
            .in_flight(0)
            .buffer_bytes(0)
            .publish_timeout(Duration::ZERO)
            .commit_interval(Duration::from_secs(150));
        let error = config.check().expect_err("six mistakes");
        let size = ByteSize((usize::MAX >> 3) as u64);
        assert_eq!(
            error.to_string(),
            format!(
                "wrong configuration, 6 mistakes:\n\
                 - `url` is `redis://***@cache:6379`; it must be `memory:`, `nats://host:port,…` or \
                 `kafka://host:port,…`\n\
                 - `namespace` is `a.b`; allowed: 1 to 32 ASCII letters, digits, `-` and `_` (default: none)\n\
                 - `in_flight` is `0`; allowed: 1 to 1000000 (default: 1024)\n\
                 - `buffer_bytes` is `0 B`; allowed: 1 B to {size} (default: 64MiB)\n\
                 - `publish_timeout` is `0s`; allowed: 1ms to 1day (default: 10s)\n\
                 - `commit_interval` is `2m 30s`; allowed: less than half of `nats_ack_wait` (default: 500ms)"
            )
        );
    }

    #[test]
    fn a_url_is_needed() {
        let error = Config::unset().check().expect_err("there is none");
        assert_eq!(
            error.mistakes().collect::<Vec<_>>(),
            [format!("`url` is missing; it must be {FORMS}")]
        );
        assert_eq!(Config::unset().broker(), Err(error));
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn what_nats_needs_is_not_asked_of_kafka() {
        let config = Config::new("kafka://a").commit_interval(Duration::from_hours(1));
        assert_eq!(config.check(), Ok(()));
    }

    #[cfg(feature = "nats")]
    #[test]
    fn nats_is_checked_like_memory() {
        let config = Config::new("nats://u:p@a:4222,b:4222");
        assert_eq!(config.check(), Ok(()));
        let servers = ["nats://u:p@a:4222", "nats://u:p@b:4222"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(config.broker(), Ok(Broker::Nats { servers }));
    }
}
