//! What is measured of each event, where somebody records it.

use super::metrics::{
    ACKNOWLEDGEMENT_SECONDS, ANSWERS, EVENT_AGE_SECONDS, HANDLER_SECONDS, PUBLISH_SECONDS,
    PUBLISHES, PUBLISHES_UNDER_WAY, describe, is_recorded,
};
use ::metrics::{Counter, Gauge, Histogram};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

/// Topics of publishes that are told apart; events of others are counted together.
const TOPICS: usize = 1000;
const OTHERS: &str = "(others)";

/// The attempts of each subscription.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Option<Box<[(Histogram, Histogram)]>>);

impl Attempts {
    /// Of these subscriptions, each a topic and a group.
    pub(crate) fn new<'a>(subscriptions: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        Attempts(is_recorded().then(|| {
            let of_each = subscriptions.map(|(topic, group)| {
                let labels = [topic, group];
                (
                    HANDLER_SECONDS.histogram(&labels),
                    EVENT_AGE_SECONDS.histogram(&labels),
                )
            });
            of_each.collect()
        }))
    }

    /// An attempt begins; what [`Attempts::ended`] needs.
    pub(crate) fn begun(
        &self,
        subscription: usize,
        attempt: u32,
        time: SystemTime,
    ) -> Option<Instant> {
        let (_, age) = &self.0.as_ref()?[subscription];
        if attempt == 1 {
            // A publisher whose clock is ahead publishes nothing from the future.
            age.record(time.elapsed().unwrap_or_default());
        }
        Some(Instant::now())
    }

    pub(crate) fn ended(&self, subscription: usize, begun: Option<Instant>) {
        if let (Some(of_each), Some(begun)) = (&self.0, begun) {
            of_each[subscription].0.record(begun.elapsed());
        }
    }
}

/// How long the broker does not hear of what is settled, in a group.
#[derive(Debug, Default)]
pub(crate) struct Acknowledgements(Option<Histogram>);

impl Acknowledgements {
    pub(crate) fn new(group: &str) -> Self {
        Acknowledgements(is_recorded().then(|| ACKNOWLEDGEMENT_SECONDS.histogram(&[group])))
    }

    /// Something is settled that the broker has not heard of.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.0.as_ref().map(|_| Instant::now())
    }

    pub(crate) fn done(&self, due: Instant) {
        if let Some(delay) = &self.0 {
            delay.record(due.elapsed());
        }
    }
}

/// The publishes of one connection.
#[derive(Default)]
pub(crate) struct Publishes(Option<Recorded>);

struct Recorded {
    under_way: Gauge,
    topics: RwLock<HashMap<Arc<str>, Arc<OfTopic>>>,
}

struct OfTopic {
    answers: [Counter; ANSWERS.len()],
    seconds: Histogram,
}

/// One publish, until it is answered or given up.
#[must_use = "its answer is counted"]
pub(crate) struct Publishing(Option<(Gauge, Arc<OfTopic>, Instant)>);

impl Publishes {
    /// None yet; says to a recorder what there will be.
    pub(crate) fn new() -> Self {
        Publishes(describe().then(|| Recorded {
            under_way: PUBLISHES_UNDER_WAY.gauge(&[]),
            topics: RwLock::default(),
        }))
    }

    /// A publish begins.
    pub(crate) fn begin(&self, topic: &Arc<str>) -> Publishing {
        Publishing(self.0.as_ref().map(|recorded| {
            recorded.under_way.increment(1.0);
            (
                recorded.under_way.clone(),
                recorded.topic(topic),
                Instant::now(),
            )
        }))
    }
}

impl Recorded {
    fn topic(&self, topic: &Arc<str>) -> Arc<OfTopic> {
        let known = self
            .topics
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(topic)
            .cloned();
        known.unwrap_or_else(|| {
            let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
            let topic = if topics.len() < TOPICS {
                Arc::clone(topic)
            } else {
                OTHERS.into()
            };
            let new = || Arc::new(OfTopic::new(&topic));
            Arc::clone(topics.entry(Arc::clone(&topic)).or_insert_with(new))
        })
    }
}

impl OfTopic {
    fn new(topic: &str) -> Self {
        OfTopic {
            answers: ANSWERS.map(|answer| PUBLISHES.counter(&[topic, answer])),
            seconds: PUBLISH_SECONDS.histogram(&[topic]),
        }
    }
}

impl Publishing {
    /// The answer: whether the broker had it already, unless it failed.
    pub(crate) fn answered(self, duplicate: Option<bool>) {
        if let Some((_, topic, begun)) = &self.0 {
            let at = match duplicate {
                Some(false) => 0,
                Some(true) => 1,
                None => 2,
            };
            topic.answers[at].increment(1);
            topic.seconds.record(begun.elapsed());
        }
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        if let Some((under_way, ..)) = &self.0 {
            under_way.decrement(1.0);
        }
    }
}
