//! A publish that is under way.

use super::PublishError;
use crate::transport::{Receipt, TransportError};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

/// What is said when no answer comes.
const UNANSWERED: &str = "the publish was not answered by its deadline, neither way; does the runtime still run on \
    which the bus was started?";

/// A publish that is under way, from [`Publisher::enqueue`](crate::Publisher::enqueue). It has one outcome.
///
/// Dropped, it is published all the same; where that fails, the log says so.
#[derive(Debug)]
#[must_use = "whether the event is stored is known from `confirmed()` alone"]
pub struct Enqueued {
    pub(super) topic: Arc<str>,
    pub(super) answered: oneshot::Receiver<Result<Receipt, TransportError>>,
    pub(super) answer_by: Instant,
}

impl Enqueued {
    /// Waits until the broker has the event.
    ///
    /// # Errors
    ///
    /// When the broker refuses it, or does not confirm it within the publish's timeout, which began with the
    /// [enqueuing](crate::Publisher::enqueue).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is published all the same.
    pub async fn confirmed(self) -> Result<Receipt, PublishError> {
        let result = match timeout_at(self.answer_by, self.answered).await {
            Ok(answered) => answered.unwrap_or(Err(TransportError::Closed)),
            Err(_) => Err(TransportError::Unreachable(UNANSWERED.to_owned())),
        };
        result.map_err(|source| PublishError::NotConfirmed {
            topic: self.topic.to_string(),
            source,
        })
    }
}
