//! Where publishes go: topics that are known to exist, and those that are made sure of first.

use super::names::Names;
use super::open::{Due, Open};
use super::topics::{Kind, Wanted};
use crate::event::Message;
use crate::transport::Destination;
use rdkafka::message::OwnedHeaders;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// An event that can be handed to the client.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) due: Due,
    pub(super) message: Message,
    pub(super) headers: OwnedHeaders,
    /// Its value is null, which takes away what was said of its key in a compacted topic.
    pub(super) is_tombstone: bool,
}

/// Where publishes go.
#[derive(Debug)]
pub(super) struct Routes {
    names: Names,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    routes: HashMap<Target, Route>,
    /// A thread makes sure of topics.
    opening: bool,
}

/// An event's topic, or one of those of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) kind: Kind,
    /// The topic's name, or the group's.
    pub(super) name: Arc<str>,
}

#[derive(Debug)]
struct Route {
    /// As the broker calls it.
    name: Arc<str>,
    /// What waits for the topic, in its order; `None` once it is there.
    waiting: Option<VecDeque<Prepared>>,
}

/// What becomes of a publish.
#[derive(Debug)]
pub(super) enum Way {
    /// The topic is there.
    Direct(Arc<str>, Prepared),
    /// It waits for the topic.
    Waits,
    /// It waits, and somebody has to make sure of topics.
    WaitsForOpener,
}

/// A topic that publishes wait for.
#[derive(Debug)]
pub(super) struct Awaited {
    pub(super) target: Target,
    pub(super) name: Arc<str>,
    /// Until when the oldest of them waits.
    pub(super) until: Instant,
}

impl Target {
    pub(super) fn of(message: &Message, destination: &Destination) -> Self {
        let (kind, name) = match destination {
            Destination::Topic => (Kind::Events, &message.topic),
            Destination::DeadLetters { group, .. } => (Kind::DeadLetters, group),
            Destination::Replay { group, .. } => (Kind::Replays, group),
        };
        let name = Arc::clone(name);
        Target { kind, name }
    }
}

impl Awaited {
    pub(super) fn wanted(&self) -> Wanted {
        Wanted {
            name: (*self.name).to_owned(),
            kind: self.target.kind,
        }
    }
}

impl Routes {
    pub(super) fn new(names: Names) -> Self {
        Routes {
            names,
            table: Mutex::default(),
        }
    }

    /// Where a publish goes now. What waits is behind all that waits before it.
    pub(super) fn way(&self, target: Target, prepared: Prepared) -> Way {
        let mut table = self.lock();
        let Table { routes, opening } = &mut *table;
        let route = routes.entry(target).or_insert_with_key(|target| Route {
            name: match target.kind {
                Kind::Events => self.names.topic(&target.name),
                Kind::DeadLetters => self.names.dead_topic(&target.name),
                Kind::Resolved => self.names.resolved_topic(&target.name),
                Kind::Replays => self.names.replay_topic(&target.name),
            }
            .into(),
            waiting: Some(VecDeque::new()),
        });
        match &mut route.waiting {
            None => Way::Direct(Arc::clone(&route.name), prepared),
            Some(waiting) => {
                waiting.push_back(prepared);
                if std::mem::replace(opening, true) {
                    Way::Waits
                } else {
                    Way::WaitsForOpener
                }
            }
        }
    }

    /// The topics that publishes wait for. When there are none, nobody makes sure of topics any more.
    pub(super) fn awaited(&self, open: &Open) -> Vec<Awaited> {
        let now = Instant::now();
        let mut table = self.lock();
        let Table { routes, opening } = &mut *table;
        let mut awaited = Vec::new();
        routes.retain(|target, route| {
            let Some(waiting) = &mut route.waiting else {
                return true;
            };
            waiting.retain(|one| one.due.0 > now && open.has(one.due));
            let Some(first) = waiting.front() else {
                return false;
            };
            awaited.push(Awaited {
                target: target.clone(),
                name: Arc::clone(&route.name),
                until: first.due.0,
            });
            true
        });
        *opening = !awaited.is_empty();
        awaited
    }

    /// What waits for a topic that is there now, in its order. To be sent and asked for again until there is nothing:
    /// from then on publishes go direct. So none overtakes one that waited.
    pub(super) fn ready(&self, target: &Target) -> Option<VecDeque<Prepared>> {
        let mut table = self.lock();
        let route = table.routes.get_mut(target)?;
        let waiting = route.waiting.as_mut()?;
        if waiting.is_empty() {
            route.waiting = None;
            return None;
        }
        Some(std::mem::take(waiting))
    }

    /// What waits for a topic that cannot be had. The next publish tries again.
    pub(super) fn failed(&self, target: &Target) -> VecDeque<Prepared> {
        let route = self.lock().routes.remove(target);
        route.and_then(|route| route.waiting).unwrap_or_default()
    }

    /// A topic that was there is not any more.
    pub(super) fn gone(&self, name: &str) {
        let mut table = self.lock();
        table
            .routes
            .retain(|_, route| &*route.name != name || route.waiting.is_some());
    }

    /// Nobody could be found who makes sure of topics: all that waits.
    pub(super) fn abandoned(&self) -> Vec<Prepared> {
        let mut table = self.lock();
        table.opening = false;
        let waiting = table.routes.extract_if(|_, route| route.waiting.is_some());
        waiting
            .filter_map(|(_, route)| route.waiting)
            .flatten()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Key;
    use crate::transport::Confirm;
    use std::time::Duration;

    struct Publishes {
        open: Open,
        routes: Routes,
        target: Target,
    }

    impl Publishes {
        fn new() -> Self {
            Publishes {
                open: Open::default(),
                routes: Routes::new(Names::new(&crate::transport::kafka::options::for_test())),
                target: Target {
                    kind: Kind::Events,
                    name: "orders".into(),
                },
            }
        }

        fn publish(&self, number: u8, timeout: Duration) -> Way {
            let confirm = Confirm::new(|_| {});
            let due = self.open.begin(confirm, Instant::now() + timeout);
            let prepared = Prepared {
                due: due.expect("open"),
                message: Message::new("orders", Key::NONE, vec![number]),
                headers: OwnedHeaders::new(),
                is_tombstone: false,
            };
            self.routes.way(self.target.clone(), prepared)
        }

        fn ready(&self) -> Option<Vec<u8>> {
            let waiting = self.routes.ready(&self.target)?;
            Some(waiting.iter().map(|one| one.message.payload[0]).collect())
        }
    }

    const FAR: Duration = Duration::from_mins(1);

    #[test]
    fn none_overtakes_one_that_waits() {
        let publishes = Publishes::new();
        assert!(matches!(publishes.publish(0, FAR), Way::WaitsForOpener));
        assert!(matches!(publishes.publish(1, FAR), Way::Waits));
        assert_eq!(publishes.routes.awaited(&publishes.open).len(), 1);
        assert_eq!(publishes.ready(), Some(vec![0, 1]));
        // While those are sent, the next ones still wait.
        assert!(matches!(publishes.publish(2, FAR), Way::Waits));
        assert_eq!(publishes.ready(), Some(vec![2]));
        assert_eq!(publishes.ready(), None);
        assert!(matches!(publishes.publish(3, FAR), Way::Direct(name, _) if &*name == "orders"));
        assert!(publishes.routes.awaited(&publishes.open).is_empty());
    }

    #[test]
    fn the_next_publish_tries_again() {
        let publishes = Publishes::new();
        publishes.publish(0, FAR);
        assert_eq!(publishes.routes.failed(&publishes.target).len(), 1);
        assert!(publishes.routes.awaited(&publishes.open).is_empty());
        assert!(matches!(publishes.publish(1, FAR), Way::WaitsForOpener));
        publishes.ready();
        publishes.ready();
        publishes.routes.gone("orders");
        assert!(
            matches!(publishes.publish(2, FAR), Way::Waits),
            "the opener still runs"
        );
    }

    #[test]
    fn what_is_over_waits_no_more() {
        let publishes = Publishes::new();
        publishes.publish(0, Duration::ZERO);
        assert!(publishes.routes.awaited(&publishes.open).is_empty());
        assert!(matches!(publishes.publish(1, FAR), Way::WaitsForOpener));
        let names = publishes.routes.awaited(&publishes.open);
        assert_eq!(&*names[0].name, "orders");
        assert_eq!(publishes.routes.abandoned().len(), 1);
        assert!(matches!(publishes.publish(2, FAR), Way::WaitsForOpener));
    }
}
