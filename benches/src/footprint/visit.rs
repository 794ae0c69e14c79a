//! The moments at which a process is looked at.

use super::reading::Reading;
use ::tests::patience::until;
use ::tests::seen::Gate;
use bus_runtime::{Key, Publish, Running};
use serde_json::{Value, json};

/// How many handlers are in the middle of an event while the bus runs, of whatever topics.
pub const HANDLERS: u32 = 64;

/// What a process has at each moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// Before there is a bus.
    pub before: Reading,
    /// The bus is started; nothing is published yet.
    pub built: Reading,
    /// [`HANDLERS`] handlers are in the middle of an event.
    pub running: Reading,
    /// The handlers are done; the bus has not been shut down yet. Who takes this for the end counts what still
    /// works as left behind.
    pub early: Reading,
    /// The shutdown has returned.
    pub after: Reading,
    /// What the bus was given by its caller has ended too.
    pub over: Reading,
}

impl Visit {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "before": self.before.to_json(),
            "built": self.built.to_json(),
            "running": self.running.to_json(),
            "early": self.early.to_json(),
            "after": self.after.to_json(),
            "over": self.over.to_json(),
        })
    }

    /// What [`to_json`](Visit::to_json) has written.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let reading = |moment: &str| Reading::from_json(&value[moment]);
        Some(Visit {
            before: reading("before")?,
            built: reading("built")?,
            running: reading("running")?,
            early: reading("early")?,
            after: reading("after")?,
            over: reading("over")?,
        })
    }
}

/// The name of the topic with this number.
#[must_use]
pub fn topic(number: u32) -> String {
    format!("footprint.h{number:03}")
}

/// The topic of the event with this number, so that [`HANDLERS`] events are spread over all topics, and its key.
#[must_use]
pub fn key(event: u32, topics: u32) -> (u32, u32) {
    (event * topics / HANDLERS, event)
}

/// Looks at a bus of so many topics, whose handlers wait for the gate.
///
/// # Panics
///
/// When the bus does not what it should.
pub async fn visit(topics: u32, start: impl AsyncFnOnce(Gate) -> Running) -> Visit {
    let before = Reading::steady(&[]).await;
    let gate = Gate::default();
    let bus = start(gate.clone()).await;
    let built = Reading::steady(&[]).await;

    let publisher = bus.publisher();
    for event in 0..HANDLERS {
        let (number, key) = key(event, topics);
        let topic = topic(number);
        let sent = publisher.publish_raw(&topic, Key::of(&key), "{}", Publish::new());
        sent.await.expect("it is published");
    }
    drop(publisher);
    until("the handlers wait", || gate.waiting() == HANDLERS as usize).await;
    let running = Reading::steady(&[]).await;
    gate.open();
    let early = Reading::steady(&[]).await;

    let report = bus.shutdown().await.expect("it runs until it is shut down");
    assert_eq!(report.handled(), u64::from(HANDLERS), "{report}");
    assert!(report.left.is_empty(), "{report}");
    drop((report, gate));
    let after = Reading::steady(&[]).await;
    Visit {
        before,
        built,
        running,
        early,
        over: after.clone(),
        after,
    }
}
