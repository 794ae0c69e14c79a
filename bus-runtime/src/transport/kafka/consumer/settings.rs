//! How a consumer's client is set.

use crate::transport::kafka::client;
use crate::transport::kafka::options::KafkaOptions;
use rdkafka::ClientConfig;
use std::time::Duration;

/// How long a member may go without a poll: the broker's clients have this default.
pub(super) const POLL_INTERVAL: Duration = Duration::from_mins(5);

/// The longest time between two signs of life. By the answers a member hears that others come and go, so that a
/// rebalance takes two or three of them.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How often the thread looks at everything, with nothing to wake it.
const TICK: Duration = Duration::from_millis(100);

/// The memory for events that are fetched ahead, over all partitions of a consumer: as long as each has its least share.
const AHEAD: usize = 64 << 20;

/// The least and the most of it that one partition has.
const SHARE_KIB: (usize, usize) = (512, 16_384);

/// How often a consumer's thread looks at everything: also for settled events, which wake nobody.
pub(super) fn tick(options: &KafkaOptions) -> Duration {
    (options.commit_interval / 4).clamp(Duration::from_millis(1), TICK)
}

/// The settings of a group's consumer, which has so many partitions at most.
pub(super) fn settings(options: &KafkaOptions, group: &str, partitions: usize) -> ClientConfig {
    let mut settings = client::settings(options);
    let ahead = (AHEAD / 1024 / partitions.max(1)).clamp(SHARE_KIB.0, SHARE_KIB.1);
    let heartbeat = (options.session_timeout / 4).min(HEARTBEAT);
    settings
        .set("group.id", group)
        // Only what changes hands stands still while members come and go.
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("session.timeout.ms", millis(options.session_timeout))
        .set("heartbeat.interval.ms", millis(heartbeat))
        .set("max.poll.interval.ms", millis(POLL_INTERVAL))
        .set("auto.offset.reset", "earliest")
        // What is stored is committed: by the client, on its own threads.
        .set("enable.auto.offset.store", "false")
        .set("enable.auto.commit", "true")
        .set(
            "auto.commit.interval.ms",
            // What is settled is stored two ticks later at the latest.
            millis(options.commit_interval.saturating_sub(2 * tick(options))),
        )
        // With the default of one second the client idles whenever it has fetched enough: 0.2 to 0.7 million events a
        // second instead of 1.1 to 2.5 (measured with Apache Kafka 4.3.1, two cores and events of 200 bytes).
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "10000")
        // Smaller ones cost the broker more (six times, at 64 KiB), larger ones this process more memory.
        .set("fetch.message.max.bytes", "262144")
        .set("queued.max.messages.kbytes", ahead.to_string());
    settings
}

fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::kafka::options::for_test;

    #[test]
    fn many_partitions_share_the_memory() {
        let options = for_test();
        assert_eq!(tick(&options), Duration::from_millis(100));
        let ahead = |partitions| {
            let settings = settings(&options, "group", partitions);
            assert_eq!(settings.get("auto.commit.interval.ms"), Some("300"));
            assert_eq!(settings.get("heartbeat.interval.ms"), Some("1000"));
            let ahead = settings.get("queued.max.messages.kbytes");
            ahead.expect("it is set").to_owned()
        };
        assert_eq!(ahead(0), "16384");
        assert_eq!(ahead(16), "4096");
        assert_eq!(ahead(10_000), "512");
    }
}
