//! What topics and groups are called at the broker.

use super::options::KafkaOptions;

/// What topics and groups are called at the broker: the namespace stands in front of them.
#[derive(Clone, Debug)]
pub(super) struct Names {
    /// The namespace and a `.`, or nothing.
    prefix: String,
}

impl Names {
    pub(super) fn new(options: &KafkaOptions) -> Self {
        let namespace = options.namespace.as_ref();
        Names {
            prefix: namespace.map_or_else(String::new, |namespace| format!("{namespace}.")),
        }
    }

    pub(super) fn topic(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    pub(super) fn group(&self, group: &str) -> String {
        format!("{}{group}", self.prefix)
    }

    /// Where a group's dead letters are. No event's topic has an empty segment. A topic's name takes no `~`, which
    /// joins a handler's own group to the bus's: it is an empty segment too.
    pub(super) fn dead_topic(&self, group: &str) -> String {
        self.of_group(group, "dead")
    }

    /// Where those of a group's dead letters are named that were replayed or purged.
    pub(super) fn resolved_topic(&self, group: &str) -> String {
        self.of_group(group, "resolved")
    }

    /// Where a group's replays are.
    pub(super) fn replay_topic(&self, group: &str) -> String {
        self.of_group(group, "replay")
    }

    /// What the source of a group's replays is called: their topic without the namespace.
    pub(super) fn replays(group: &str) -> String {
        format!("{}..replay", group.replace('~', ".."))
    }

    fn of_group(&self, group: &str, what: &str) -> String {
        format!("{}{}..{what}", self.prefix, group.replace('~', ".."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_stands_in_front() {
        let staging = Names {
            prefix: "staging.".into(),
        };
        assert_eq!(staging.topic("orders.placed"), "staging.orders.placed");
        assert_eq!(staging.group("shop~audit"), "staging.shop~audit");
        assert_eq!(
            staging.dead_topic("shop~audit"),
            "staging.shop..audit..dead"
        );
        let plain = Names {
            prefix: String::new(),
        };
        assert_eq!(plain.topic("orders"), "orders");
        assert_eq!(plain.dead_topic("shop"), "shop..dead");
        assert_eq!(plain.resolved_topic("shop"), "shop..resolved");
        assert_eq!(
            staging.replay_topic("shop~audit"),
            "staging.shop..audit..replay"
        );
        assert_eq!(Names::replays("shop~audit"), "shop..audit..replay");
    }
}
