//! Who is told of every attempt: how a test knows.

use super::frontier::Position;
use super::held::Held;
use super::tally::DeadReason;
use crate::event::{Key, Message};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Told of every attempt and of every event's end, as they happen and without a lock. It must not panic.
pub(crate) trait Witness: fmt::Debug + Send + Sync + 'static {
    /// An attempt begins.
    fn began(&self, event: Witnessed<'_>, attempt: u32);

    /// It failed, and another follows after this time.
    fn failed(&self, event: Witnessed<'_>, error: &str, again_after: Duration);

    /// It failed and no attempt is left: it is about to be a dead letter, or waits all the same.
    fn waits(&self, event: Witnessed<'_>);

    /// The event is settled.
    fn settled(&self, event: Witnessed<'_>, how: Settled<'_>);

    /// The event is given back unsettled.
    fn released(&self, event: Witnessed<'_>);
}

/// An event, as a [`Witness`] sees it.
#[derive(Clone, Copy)]
pub(crate) struct Witnessed<'a> {
    pub(crate) subscription: usize,
    pub(crate) source: &'a Arc<str>,
    pub(crate) position: Position,
    pub(crate) message: &'a Message,
    /// What it is ordered by.
    pub(crate) key: &'a Key,
}

/// How an event was settled.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Settled<'a> {
    Handled,
    Skipped,
    Dead { reason: DeadReason, error: &'a str },
}

impl Held {
    pub(super) fn witnessed(&self) -> Witnessed<'_> {
        Witnessed {
            subscription: self.subscription,
            source: self.source.name(),
            position: self.position,
            message: &self.message,
            key: &self.key,
        }
    }
}
