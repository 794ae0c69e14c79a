//! What handlers did, and what is still to be handled.

use super::event::{Failure, TestEvent, TestOutcome};
use crate::bus::full_group;
use crate::delivery::{Position, Settled, Witness, Witnessed};
use crate::event::{EventId, Message};
use crate::handler::{Bus, handlers};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What handlers did, and what is still to be handled.
#[derive(Debug)]
pub(super) struct Journal {
    subscriptions: Vec<Subscribed>,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Subscribed {
    handler: &'static str,
    topic: &'static str,
    group: Arc<str>,
}

#[derive(Debug, Default)]
struct Written {
    /// In the order of their first attempts.
    events: Vec<TestEvent>,
    /// Where each is, by its subscription and its place in its source.
    places: HashMap<(usize, Arc<str>, Position), usize>,
    /// What handlers have published, in the order in which the broker took it.
    outbox: Vec<Message>,
    /// Events that were published and not settled, by subscription. An id may be there more than once.
    owed: HashMap<(usize, EventId), usize>,
    /// Publishes that were not answered.
    under_way: usize,
}

/// What is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outstanding {
    /// Events that were published and not settled, once for each handler.
    pub(super) owed: usize,
    /// Publishes that were not answered.
    pub(super) under_way: usize,
}

impl Journal {
    pub(super) fn of<B: Bus>(group: &Arc<str>) -> Self {
        let subscriptions = handlers::<B>().into_iter().map(|handler| Subscribed {
            handler: handler.name,
            topic: handler.topic,
            group: full_group(group, handler.group),
        });
        Journal {
            subscriptions: subscriptions.collect(),
            written: Mutex::default(),
        }
    }

    pub(super) fn events(&self) -> Vec<TestEvent> {
        self.written().events.clone()
    }

    pub(super) fn outbox(&self) -> Vec<Message> {
        self.written().outbox.clone()
    }

    pub(super) fn outstanding(&self) -> Outstanding {
        let written = self.written();
        Outstanding {
            owed: written.owed.values().sum(),
            under_way: written.under_way,
        }
    }

    /// What was published and has not reached its handler, by topic.
    pub(super) fn undelivered(&self) -> Vec<(&'static str, usize)> {
        let written = self.written();
        let mut topics = HashMap::<_, usize>::new();
        for ((subscription, _), count) in &written.owed {
            *topics.entry(*subscription).or_default() += count;
        }
        for (subscription, ..) in written.places.iter().filter_map(|(place, event)| {
            let outcome = &written.events[*event].outcome;
            matches!(outcome, TestOutcome::Running | TestOutcome::Waiting).then_some(place)
        }) {
            if let Some(count) = topics.get_mut(subscription) {
                *count = count.saturating_sub(1);
            }
        }
        let mut topics: Vec<_> = topics
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(subscription, count)| (self.subscriptions[subscription].topic, count))
            .collect();
        topics.sort_unstable();
        topics
    }

    /// An event is on its way to the broker: whoever handles its topic owes something, of the one group to which it is
    /// replayed, or of all.
    pub(super) fn publishing(&self, message: &Message, group: Option<&str>) {
        let mut written = self.written();
        written.under_way += 1;
        for subscription in self.takers(&message.topic, group) {
            *written
                .owed
                .entry((subscription, message.id.clone()))
                .or_default() += 1;
        }
    }

    /// The broker has answered; `stored` is whether it has taken the event.
    pub(super) fn answered(
        &self,
        message: Message,
        group: Option<&str>,
        stored: bool,
        from_handler: bool,
    ) {
        let mut written = self.written();
        written.under_way -= 1;
        if !stored {
            for subscription in self.takers(&message.topic, group) {
                written.pay(subscription, &message.id);
            }
        } else if from_handler {
            written.outbox.push(message);
        }
    }

    fn takers<'a>(
        &'a self,
        topic: &'a str,
        group: Option<&'a str>,
    ) -> impl Iterator<Item = usize> + 'a {
        let all = self.subscriptions.iter().enumerate();
        all.filter(move |(_, subscribed)| {
            subscribed.topic == topic && group.is_none_or(|group| *subscribed.group == *group)
        })
        .map(|(subscription, _)| subscription)
    }

    /// Changes what is written of an event; its first attempt may not have begun.
    fn write(&self, seen: Witnessed<'_>, change: impl FnOnce(&mut TestEvent)) {
        let place = (seen.subscription, Arc::clone(seen.source), seen.position);
        let mut written = self.written();
        let Written { events, places, .. } = &mut *written;
        let at = *places.entry(place).or_insert_with(|| {
            let subscribed = &self.subscriptions[seen.subscription];
            events.push(TestEvent {
                handler: subscribed.handler,
                group: Arc::clone(&subscribed.group),
                topic: Arc::clone(&seen.message.topic),
                key: seen.key.clone(),
                id: seen.message.id.clone(),
                headers: seen.message.headers.clone(),
                payload: seen.message.payload.clone(),
                attempts: 0,
                failures: Vec::new(),
                outcome: TestOutcome::Waiting,
            });
            events.len() - 1
        });
        change(&mut events[at]);
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Witness for Journal {
    fn began(&self, event: Witnessed<'_>, attempt: u32) {
        self.write(event, |written| {
            written.attempts = attempt;
            written.outcome = TestOutcome::Running;
        });
    }

    fn failed(&self, event: Witnessed<'_>, error: &str, again_after: Duration) {
        self.write(event, |written| {
            written.outcome = TestOutcome::Waiting;
            written.failures.push(Failure {
                error: error.to_owned(),
                again_after,
            });
        });
    }

    fn waits(&self, event: Witnessed<'_>) {
        self.write(event, |written| written.outcome = TestOutcome::Waiting);
    }

    fn settled(&self, event: Witnessed<'_>, how: Settled<'_>) {
        self.write(event, |written| {
            written.outcome = match how {
                Settled::Handled => TestOutcome::Handled,
                Settled::Skipped => TestOutcome::Skipped,
                Settled::Dead { reason, error } => TestOutcome::Dead {
                    reason,
                    error: error.to_owned(),
                },
            };
        });
        self.written().pay(event.subscription, &event.message.id);
    }

    fn released(&self, event: Witnessed<'_>) {
        self.write(event, |written| written.outcome = TestOutcome::Released);
    }
}

impl Written {
    /// One of the events of this id is owed no more.
    fn pay(&mut self, subscription: usize, id: &EventId) {
        let owed = (subscription, id.clone());
        if let Some(count) = self.owed.get_mut(&owed) {
            *count -= 1;
            if *count == 0 {
                self.owed.remove(&owed);
            }
        }
    }
}
