//! Publishing events.

use super::outlet::Outlet;
use super::{Origin, Publish, PublishError};
use crate::clock::after;
use crate::event::{Event, EventId, Key, Message, check_topic};
use crate::transport::{
    Confirm, DEAD_LETTER_ROOM, Destination, Outgoing, Receipt, Transport, TransportError,
};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

/// How long after its deadline a publish still waits for the transport's answer, which is then due.
const GRACE: Duration = Duration::from_secs(1);

/// What is said when that answer does not come.
const UNANSWERED: &str = "the publish was not answered by its deadline, neither way; does the runtime still run on \
    which the bus was started?";

/// Publishes events. Cheap to clone; as a handler's parameter, it publishes as part of handling the event:
/// the trace headers travel on, and the ids are the same in a repeated attempt.
///
/// From the beginning of a shutdown only handlers publish, by their parameter: every other publish is refused,
/// also one by a publisher that a handler has from elsewhere. At the end of the drain theirs are refused too.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = customer)]
/// struct OrderPlaced { customer: String }
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "stock.reserved", key = customer)]
/// struct StockReserved { customer: String }
///
/// #[event_handler(topic = OrderPlaced::TOPIC)]
/// async fn reserve(Json(order): Json<OrderPlaced>, publisher: Publisher) -> Result {
///     publisher.publish(&StockReserved { customer: order.customer }).await?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Publisher {
    outlet: Arc<Outlet>,
    origin: Option<Arc<Origin>>,
}

impl Publisher {
    /// The publisher of a program that only publishes.
    pub(super) fn alone(
        transport: Arc<dyn Transport>,
        window: usize,
        timeout: Duration,
        shutdown_deadline: Duration,
    ) -> Self {
        Publisher::new(transport, window, timeout, Some(shutdown_deadline))
    }

    /// The publisher of a bus, which ends it.
    pub(super) fn of_bus(transport: Arc<dyn Transport>, window: usize, timeout: Duration) -> Self {
        Publisher::new(transport, window, timeout, None)
    }

    fn new(
        transport: Arc<dyn Transport>,
        window: usize,
        timeout: Duration,
        shutdown_deadline: Option<Duration>,
    ) -> Self {
        let outlet = Outlet::new(transport, window, timeout, shutdown_deadline);
        Publisher {
            outlet: Arc::new(outlet),
            origin: None,
        }
    }

    /// This publisher, within the handling of an event.
    pub(crate) fn within(&self, origin: Arc<Origin>) -> Self {
        Publisher {
            outlet: Arc::clone(&self.outlet),
            origin: Some(origin),
        }
    }

    pub(super) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    pub(super) fn transport(&self) -> &Arc<dyn Transport> {
        &self.outlet.transport
    }

    pub(super) fn own_shutdown(&self) -> Option<Duration> {
        self.outlet.shutdown_deadline
    }

    /// Publishes an event to its topic, and waits until the broker has it.
    ///
    /// Two events that one task publishes one after the other keep their order. The receipt says whether
    /// the broker had an event with this id already.
    ///
    /// # Errors
    ///
    /// When the event cannot be written or is too large, when the broker refuses it or does not confirm it
    /// within `publish_timeout`, or when the bus has shut down.
    ///
    /// # Cancel safety
    ///
    /// Once polled, the event may be published even where the future is dropped.
    pub fn publish<'a, E: Event>(
        &'a self,
        event: &E,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a, E> {
        self.publish_with(event, Publish::new())
    }

    /// Publishes an event with an id, headers or a timeout of its own; see [`publish`](Self::publish).
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish), and when the id or a header is one that not every broker carries.
    pub fn publish_with<'a, E: Event>(
        &'a self,
        event: &E,
        with: Publish,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a, E> {
        // Written before the first wait: the future holds the bytes, and the event need not be `Sync`.
        let (topic, key, payload) = (E::TOPIC.name(), event.key(), event.encode());
        async move {
            let encode = |source| PublishError::Encode {
                topic: topic.to_owned(),
                source,
            };
            self.publish_raw(topic, key, payload.map_err(encode)?, with)
                .await
        }
    }

    /// Publishes bytes to a topic that is known only at run time; see [`publish`](Self::publish).
    ///
    /// ```
    /// # use bus_runtime::prelude::*;
    /// # use bus_runtime::{Publish, PublishError};
    /// async fn forward(publisher: &Publisher, topic: &str, json: Vec<u8>) -> Result<(), PublishError> {
    ///     publisher.publish_raw(topic, Key::of("c-7"), json, Publish::new()).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish_with`](Self::publish_with), and when no broker could carry the topic.
    pub async fn publish_raw(
        &self,
        topic: &str,
        key: Key,
        payload: impl Into<Bytes>,
        with: Publish,
    ) -> Result<Receipt, PublishError> {
        let message = self.message(topic, key, payload.into(), &with)?;
        let timeout = with.timeout.unwrap_or(self.outlet.timeout);
        let deadline = after(timeout);
        let not_confirmed = |source| PublishError::NotConfirmed {
            topic: topic.to_owned(),
            source,
        };

        let from_handler = self.origin.is_some();
        let permit = self.outlet.permit(from_handler, deadline).await;
        let permit = permit.map_err(not_confirmed)?;
        let (answer, answered) = oneshot::channel();
        let confirm = Confirm::new(move |result| {
            drop(permit);
            // Nobody may be waiting any more.
            drop(answer.send(result));
        });
        let outgoing = Outgoing {
            message,
            destination: Destination::Topic,
            from_handler,
            deadline,
        };
        self.outlet
            .hand_over(outgoing, confirm)
            .map_err(not_confirmed)?;
        // The transport answers by the deadline itself, unless the runtime that drives it has gone.
        let answer_by = after(timeout.saturating_add(GRACE)).max(deadline);
        let result = match timeout_at(answer_by, answered).await {
            Ok(answered) => answered.unwrap_or(Err(TransportError::Closed)),
            Err(_) => Err(TransportError::Unreachable(UNANSWERED.to_owned())),
        };
        result.map_err(not_confirmed)
    }

    fn message(
        &self,
        topic: &str,
        key: Key,
        payload: Bytes,
        with: &Publish,
    ) -> Result<Message, PublishError> {
        if let Some(fault) = check_topic(topic) {
            return Err(PublishError::Topic {
                topic: topic.to_owned(),
                fault,
            });
        }
        if let Some(fault) = with.id_fault() {
            let topic = topic.to_owned();
            return Err(PublishError::Id { topic, fault });
        }
        let origin = self.origin.as_deref();
        let headers = with.headers(origin.map(Origin::trace))?;
        let id = match (&with.id, origin) {
            (Some(id), _) => id.clone(),
            (None, Some(origin)) => origin.next_id(topic, &key, &payload),
            (None, None) => EventId::generate(),
        };
        let message = Message {
            topic: topic.into(),
            key,
            id,
            headers,
            payload,
            time: SystemTime::now(),
        };
        let limit = self
            .outlet
            .transport
            .capabilities()
            .max_event
            .saturating_sub(DEAD_LETTER_ROOM);
        let size = message.size();
        if size > limit {
            return Err(PublishError::TooLarge {
                topic: topic.to_owned(),
                size,
                limit,
            });
        }
        Ok(message)
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("transport", &self.outlet.transport)
            .finish_non_exhaustive()
    }
}
