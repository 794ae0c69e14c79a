//! Names on the server: streams, subjects, partitions.

use std::sync::Arc;

/// The names of one namespace.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    namespace: Arc<str>,
    partitions: u32,
}

impl Layout {
    /// The layout of a stream with so many partitions, at least one.
    pub(super) fn new(namespace: &str, partitions: u32) -> Self {
        Layout {
            namespace: namespace.into(),
            partitions: partitions.max(1),
        }
    }

    /// The stream of all events.
    pub(super) fn stream(&self) -> &str {
        &self.namespace
    }

    /// Every event's subject.
    pub(super) fn subjects(&self) -> String {
        format!("{}.>", self.namespace)
    }

    /// The stream of all dead letters: outside of [`Layout::subjects`], so that nothing takes them by
    /// accident.
    pub(super) fn dead_stream(&self) -> String {
        format!("{}~dead", self.namespace)
    }

    /// Every dead letter's subject.
    pub(super) fn dead_subjects(&self) -> String {
        format!("{}~dead.>", self.namespace)
    }

    /// Every dead letter of a group.
    pub(super) fn dead_subjects_of(&self, group: &str) -> String {
        format!("{}~dead.{group}.>", self.namespace)
    }

    /// The stream of all replays.
    pub(super) fn replay_stream(&self) -> String {
        format!("{}~replay", self.namespace)
    }

    /// Every replay's subject.
    pub(super) fn replay_subjects(&self) -> String {
        format!("{}~replay.>", self.namespace)
    }

    /// Every replay for a group.
    pub(super) fn replay_subjects_of(&self, group: &str) -> String {
        format!("{}~replay.{group}.>", self.namespace)
    }

    pub(super) fn partitions(&self) -> u32 {
        self.partitions
    }

    pub(super) fn subject(&self, partition: u32, topic: &str) -> String {
        format!("{}.{partition}.{topic}", self.namespace)
    }

    pub(super) fn dead_subject(&self, group: &str, topic: &str) -> String {
        format!("{}~dead.{group}.{topic}", self.namespace)
    }

    pub(super) fn replay_subject(&self, group: &str, partition: u32, topic: &str) -> String {
        format!("{}~replay.{group}.{partition}.{topic}", self.namespace)
    }

    /// The topic of an event's subject, or nothing where it is no subject of ours.
    pub(super) fn topic<'a>(&self, subject: &'a str) -> Option<&'a str> {
        let rest = subject.strip_prefix(&*self.namespace)?.strip_prefix('.')?;
        behind_partition(rest)
    }

    /// The topic of a dead letter's subject.
    pub(super) fn dead_topic<'a>(&self, group: &str, subject: &'a str) -> Option<&'a str> {
        let rest = subject
            .strip_prefix(&*self.namespace)?
            .strip_prefix("~dead.")?;
        rest.strip_prefix(group)?.strip_prefix('.')
    }

    /// The topic of the subject of a replay for a group.
    pub(super) fn replay_topic<'a>(&self, group: &str, subject: &'a str) -> Option<&'a str> {
        let rest = subject
            .strip_prefix(&*self.namespace)?
            .strip_prefix("~replay.")?;
        behind_partition(rest.strip_prefix(group)?.strip_prefix('.')?)
    }

    /// A key's partition, as the server's own `{{partition(N, …)}}` computes it.
    pub(super) fn partition(&self, key: &[u8]) -> u32 {
        fnv1a32(key) % self.partitions
    }
}

/// The topic of `<partition>.<topic>`.
fn behind_partition(rest: &str) -> Option<&str> {
    let (partition, topic) = rest.split_once('.')?;
    let decimal = !partition.is_empty() && partition.bytes().all(|byte| byte.is_ascii_digit());
    (decimal && !topic.is_empty()).then_some(topic)
}

fn fnv1a32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv1a32_is_the_published_function() {
        let vectors: [(&[u8], u32); 6] = [
            (b"", 0x811c_9dc5),
            (b"a", 0xe40c_292c),
            (b"b", 0xe70c_2de5),
            (b"foo", 0xa9f3_7ed7),
            (b"foobar", 0xbf9c_f968),
            (b"\xff\x00\n", 0x196d_8e40),
        ];
        for (bytes, hash) in vectors {
            assert_eq!(fnv1a32(bytes), hash, "{}", bytes.escape_ascii());
        }
    }

    /// The right column is what `{{partition(16,1)}}` of nats-server 2.15.1 answers.
    #[test]
    fn partitions_are_the_servers() {
        let layout = Layout::new("events", 16);
        let vectors = [
            ("c-7", 14),
            ("a", 12),
            ("foobar", 8),
            ("eu\\/west/7", 15),
            ("4f6c0a3e-0000-7000-8000-000000000001", 7),
            ("~", 1),
        ];
        for (key, partition) in vectors {
            assert_eq!(layout.partition(key.as_bytes()), partition, "{key}");
        }
    }

    #[test]
    fn names_are_as_promised() {
        let layout = Layout::new("events", 16);
        assert_eq!(layout.subject(3, "orders.placed"), "events.3.orders.placed");
        assert_eq!(layout.subjects(), "events.>");
        assert_eq!(layout.dead_stream(), "events~dead");
        assert_eq!(
            layout.dead_subject("shop~audit", "orders.placed"),
            "events~dead.shop~audit.orders.placed"
        );
        assert_eq!(
            layout.dead_topic("shop~audit", "events~dead.shop~audit.orders.placed"),
            Some("orders.placed")
        );
    }

    #[test]
    fn only_our_subjects_have_a_topic() {
        let layout = Layout::new("events", 16);
        assert_eq!(
            layout.topic("events.15.orders.placed"),
            Some("orders.placed")
        );
        for foreign in [
            "events.orders",
            "events.x.orders",
            "events.3",
            "events.3.",
            "events..orders",
            "other.3.orders",
        ] {
            assert_eq!(layout.topic(foreign), None, "{foreign}");
        }
    }
}
