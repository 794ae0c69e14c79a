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
        format!("{}{}..dead", self.prefix, group.replace('~', ".."))
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
    }
}
