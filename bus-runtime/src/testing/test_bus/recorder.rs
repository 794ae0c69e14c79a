//! The bus's transport, with what is published written down.

use super::journal::Journal;
use crate::clock::Clock;
use crate::transport::{
    BoxFuture, Buried, Capabilities, Confirm, Consumer, Destination, Intake, Leftover, Outgoing,
    Subscription, Transport, TransportError,
};
use std::sync::Arc;
use tokio::time::Instant;

/// A transport, with what is published written down.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) transport: Arc<dyn Transport>,
    pub(super) journal: Arc<Journal>,
    pub(super) clock: Clock,
}

impl Transport for Recorder {
    fn capabilities(&self) -> Capabilities {
        self.transport.capabilities()
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        self.transport.consume(subscription, intake)
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let group = match &outgoing.destination {
            Destination::Topic => None,
            Destination::Replay { group, .. } => Some(Arc::clone(group)),
            Destination::DeadLetters { .. } => return self.transport.publish(outgoing, confirm),
        };
        let (message, from_handler) = (outgoing.message.clone(), outgoing.from_handler);
        // Before it is handed over: its handler may be done with it before the answer.
        self.journal.publishing(&message, group.as_deref());
        let (journal, clock) = (Arc::clone(&self.journal), self.clock.clone());
        let confirm = Confirm::new(move |answer| {
            let stored = answer.as_ref().is_ok_and(|receipt| !receipt.duplicate);
            journal.answered(message, group.as_deref(), stored, from_handler);
            confirm.answer(answer);
            clock.stir();
        });
        self.transport.publish(outgoing, confirm);
    }

    fn buried(&self) -> &dyn Buried {
        self.transport.buried()
    }

    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover> {
        self.transport.close(deadline)
    }
}
