//! One attempt: the event and everything around it.

use super::Decoded;
use crate::bus::{Origin, Publisher, Stop};
use crate::codec::Rejection;
use crate::event::{Headers, Key, Message, Metadata};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// What a handler's parameters are taken from: one event and what is around it. `S` is the bus's state.
///
/// Given to implementations of [`FromEvent`](crate::FromEvent).
pub struct Cx<S> {
    /// The handler's path.
    pub(crate) handler: &'static str,
    pub(crate) state: Arc<S>,
    pub(crate) message: Message,
    pub(crate) key: Key,
    pub(crate) metadata: Metadata,
    /// The bus's publisher, outside of the event.
    pub(crate) publisher: Publisher,
    /// What joins the events published in this attempt to the one that is handled; made when asked for.
    pub(crate) origin: OnceLock<Arc<Origin>>,
    pub(crate) stop: Stop,
}

impl<S> Cx<S> {
    /// The bus's state.
    pub fn state(&self) -> &S {
        &self.state
    }

    /// The event's headers.
    pub fn headers(&self) -> &Headers {
        &self.message.headers
    }

    /// The event's id, topic, time, position, and the attempt.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The key by which the handler is ordered.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The event's bytes, as they came.
    pub fn payload(&self) -> &[u8] {
        &self.message.payload
    }

    /// Publishes further events, as part of handling this one.
    pub fn publisher(&self) -> Publisher {
        let origin = || {
            Arc::new(Origin::new(
                &self.metadata,
                &self.message.headers,
                self.handler,
            ))
        };
        self.publisher
            .within(Arc::clone(self.origin.get_or_init(origin)))
    }

    /// Asks the bus to shut down.
    pub fn stop(&self) -> &Stop {
        &self.stop
    }
}

impl<S> fmt::Debug for Cx<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cx")
            .field("key", &self.key)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// One attempt, with the event decoded already where its key was computed from it, or why it cannot be.
pub struct Delivery<S> {
    pub(super) cx: Cx<S>,
    pub(super) decoded: Result<Option<Decoded>, Rejection>,
}

impl<S> Delivery<S> {
    pub(crate) fn new(cx: Cx<S>, decoded: Result<Option<Decoded>, Rejection>) -> Self {
        Delivery { cx, decoded }
    }
}

impl<S> fmt::Debug for Delivery<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("cx", &self.cx)
            .finish_non_exhaustive()
    }
}
