//! Numbered events, and the ledger of what handlers did with them.

use super::error::{Fault, Kept};
use super::member::Handle;
use super::stage::{Stage, event};
use crate::event::{Message, Metadata};
use crate::handler::{Ending, HandlerError};
use crate::testing::{Findings, Ledger};
use crate::transport::Transport;
use bytes::BytesMut;
use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::yield_now;

/// Numbered events, and the ledger of what handlers did with them.
pub(super) struct Traffic {
    ledger: Arc<Ledger>,
    /// Which groups handle which topics.
    subscriptions: Vec<(&'static str, Arc<str>)>,
    /// The last number of each topic's keys.
    numbers: Mutex<HashMap<(&'static str, String), u64>>,
}

/// What a handler does with the event of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Settle,
    /// Keeps it until it is cancelled.
    Hold,
    /// Fails the first attempt.
    FailOnce,
}

impl Traffic {
    pub(super) fn new(subscriptions: &[(&'static str, &Arc<str>)]) -> Self {
        let subscriptions = subscriptions
            .iter()
            .map(|(topic, group)| (*topic, Arc::clone(group)));
        Traffic {
            ledger: Arc::default(),
            subscriptions: subscriptions.collect(),
            numbers: Mutex::default(),
        }
    }

    /// A handler that does with each number what `deed` says, and lets others run meanwhile.
    pub(super) fn handler(&self, deed: impl Fn(u64) -> Deed + Send + Sync + 'static) -> Handle {
        let ledger = Arc::clone(&self.ledger);
        Arc::new(move |message, metadata| {
            let ledger = Arc::clone(&ledger);
            let number = number(&message);
            let deed = deed(number);
            Box::pin(async move {
                let strand = strand(&metadata.topic, &metadata.group, &message);
                let attempt = ledger.started(&strand, number);
                for _ in 0..fastrand::u8(0..3) {
                    yield_now().await;
                }
                ending(deed, &metadata, attempt).await
            })
        })
    }

    /// A handler that settles everything.
    pub(super) fn settling(&self) -> Handle {
        self.handler(|_| Deed::Settle)
    }

    /// Publishes the next event of a key, and waits for the answer.
    pub(super) async fn publish(
        &self,
        stage: &Stage,
        transport: &dyn Transport,
        topic: &'static str,
        key: &str,
    ) -> Kept {
        let message = self.next(topic, key, 0);
        stage.publish(transport, message).await.map(drop)
    }

    /// The next event of a key, padded to a size, which is to be published.
    pub(super) fn next(&self, topic: &'static str, key: &str, size: usize) -> Message {
        let number = {
            let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
            let number = numbers.entry((topic, key.to_owned())).or_default();
            *number += 1;
            *number
        };
        let mut message = event(topic, key, number);
        for (_, group) in self.subscriptions.iter().filter(|(on, _)| *on == topic) {
            self.ledger
                .published(&strand(topic, group, &message), number);
        }
        let mut padded = BytesMut::from(&message.payload[..]);
        padded.resize(padded.len().max(size), b' ');
        message.payload = padded.freeze();
        message
    }

    /// Waits until everything published is settled.
    pub(super) async fn settled(&self, stage: &Stage) -> Kept {
        let settled = stage.until("every event to be settled", || self.ledger.is_settled());
        settled
            .await
            .map_err(|Fault(why)| Fault(format!("{why}; {}", self.findings())))
    }

    pub(super) fn findings(&self) -> Findings {
        self.ledger.findings()
    }

    /// Waits until everything published is settled, one event after another without a pause of `stall`.
    pub(super) async fn keeps_settling(&self, stage: &Stage, stall: Duration) -> Kept {
        let mut settled = self.findings().settled;
        while !self.ledger.is_settled() {
            let more = || self.findings().settled > settled || self.ledger.is_settled();
            let what = "the next event, with some unsettled: a wake-up is lost";
            let more = stage.until_within(stall, what, more).await;
            more.map_err(|Fault(why)| Fault(format!("{why}; {}", self.findings())))?;
            settled = self.findings().settled;
        }
        Ok(())
    }

    /// Nothing out of order, twice, at the same time, or lost.
    pub(super) fn clean(&self) -> Kept {
        let findings = self.findings();
        if findings.is_clean() {
            return Ok(());
        }
        Err(Fault(findings.to_string()))
    }

    /// As [`clean`](Self::clean), but that an event may come again after a crash.
    pub(super) fn clean_but_repeated(&self) -> Kept {
        let mut findings = self.findings();
        findings.repeated.clear();
        if findings.is_clean() {
            return Ok(());
        }
        Err(Fault(findings.to_string()))
    }
}

async fn ending(deed: Deed, metadata: &Metadata, attempt: crate::testing::Attempt<'_>) -> Ending {
    match deed {
        Deed::Hold => pending().await,
        Deed::FailOnce if metadata.attempt == 1 => Ending::Failed {
            error: HandlerError::from("the first attempt fails"),
            after: None,
        },
        Deed::Settle | Deed::FailOnce => {
            attempt.settled();
            Ending::Done
        }
    }
}

fn strand(topic: &str, group: &str, message: &Message) -> String {
    format!("{group}/{topic}/{}", message.key)
}

fn number(message: &Message) -> u64 {
    let text = String::from_utf8_lossy(&message.payload);
    // An event that is not ours has no number: the ledger reports it as one out of order.
    text.trim_ascii().parse().unwrap_or(u64::MAX)
}
