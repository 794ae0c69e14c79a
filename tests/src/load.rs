//! The load of the heavy tests: events of many keys, numbered within each.

use bus_runtime::prelude::*;
use bus_runtime::{Publish, PublishError};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The topics, in which the keys take turns.
pub const TOPICS: [&str; 5] = ["load.a", "load.b", "load.c", "load.d", "load.e"];

/// How many partitions each of them has on Kafka.
pub const PARTITIONS: u32 = 6;

/// An event of the load.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Numbered {
    /// What orders it.
    pub key: u32,
    /// Its number within its key, from 1.
    pub number: u64,
}

impl Numbered {
    /// The topic of its key.
    #[must_use]
    pub fn topic(self) -> &'static str {
        TOPICS[self.key as usize % TOPICS.len()]
    }

    /// The name of its strand.
    #[must_use]
    pub fn strand(self) -> String {
        format!("{}/{}", self.topic(), self.key)
    }

    /// Its id.
    #[must_use]
    pub fn id(self) -> String {
        format!("{}-{}", self.key, self.number)
    }

    /// Whether its first attempt is to fail: every fifth event.
    #[must_use]
    pub fn fails_first(self) -> bool {
        self.number % 5 == 2
    }

    /// Whether it is never to succeed: one event in 37.
    #[must_use]
    pub fn is_poisoned(self) -> bool {
        (u64::from(self.key) + self.number * 7).is_multiple_of(37)
    }

    /// Publishes it.
    ///
    /// # Errors
    ///
    /// As [`Publisher::publish`].
    ///
    /// # Panics
    ///
    /// Never: it can be written as JSON.
    pub async fn publish(self, publisher: &Publisher) -> Result<(), PublishError> {
        let payload = serde_json::to_vec(&self).expect("numbers are JSON");
        let with = Publish::new().id(self.id());
        let key = Key::of(&self.key);
        let receipt = publisher
            .publish_raw(self.topic(), key, payload, with)
            .await;
        receipt.map(drop)
    }
}

/// How many events of how many keys.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Keys.
    pub keys: u32,
    /// Events of each key.
    pub each: u64,
    /// Tasks that publish, each its own keys, an event after the other.
    pub tasks: u32,
}

impl Load {
    /// How many events in all.
    #[must_use]
    pub fn events(self) -> u64 {
        u64::from(self.keys) * self.each
    }

    /// Each of the events, those of a key in order.
    pub fn iter(self) -> impl Iterator<Item = Numbered> {
        let numbers = 1..=self.each;
        numbers.flat_map(move |number| (0..self.keys).map(move |key| Numbered { key, number }))
    }

    /// Publishes all events, a permit of `pace` for each; `before` is told of each first.
    ///
    /// # Panics
    ///
    /// When an event is not published.
    pub async fn publish(
        self,
        publisher: &Publisher,
        pace: Arc<Semaphore>,
        before: impl Fn(Numbered) + Send + Sync + 'static,
    ) {
        let before = Arc::new(before);
        let mut tasks = JoinSet::new();
        for task in 0..self.tasks {
            let (publisher, pace, before) = (publisher.clone(), pace.clone(), before.clone());
            tasks.spawn(async move {
                for number in 1..=self.each {
                    for key in (task..self.keys).step_by(self.tasks as usize) {
                        pace.acquire().await.expect("it is never closed").forget();
                        let event = Numbered { key, number };
                        before(event);
                        event.publish(&publisher).await.expect("it is published");
                    }
                }
            });
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("a task that publishes");
        }
    }
}
