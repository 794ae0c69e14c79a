//! Publishing events.

use super::outlet::Outlet;
use super::{Enqueued, Origin, Publish, PublishError};
use crate::clock::after;
use crate::codec::{CONTENT_TYPE, Codec, EncodeError, JSON};
use crate::event::{Event, EventId, Key, Message, check_topic};
use crate::transport::{Confirm, DEAD_LETTER_ROOM, Destination, Outgoing, Receipt, Transport};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::oneshot;

/// How long after its deadline a publish still waits for the transport's answer, which is then due.
const GRACE: Duration = Duration::from_secs(1);

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
    pub(crate) fn of_bus(transport: Arc<dyn Transport>, window: usize, timeout: Duration) -> Self {
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
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    pub fn publish_with<'a, E: Event>(
        &'a self,
        event: &E,
        with: Publish,
    ) -> impl Future<Output = Result<Receipt, PublishError>> + Send + use<'a, E> {
        let enqueued = self.enqueue_with(event, with);
        async move { enqueued.await?.confirmed().await }
    }

    /// Publishes bytes to a topic that is known only at run time; see [`publish`](Self::publish).
    ///
    /// Where the bytes are no JSON, the header `content-type` is to say what they are:
    /// `Publish::new().header("content-type", "application/msgpack")`.
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
    ///
    /// # Cancel safety
    ///
    /// As [`publish`](Self::publish).
    pub async fn publish_raw(
        &self,
        topic: &str,
        key: Key,
        payload: impl Into<Bytes>,
        with: Publish,
    ) -> Result<Receipt, PublishError> {
        let enqueued = self.enqueue_raw(topic, key, payload, with).await?;
        enqueued.confirmed().await
    }

    /// Publishes many events, and waits until the broker has them: as many at once as `publish_window` allows.
    ///
    /// One result for each event, in their order. Events are handed over in the order given, so those of one key
    /// keep it, with the exception that [`enqueue`](Self::enqueue) names.
    ///
    /// ```
    /// # use bus_runtime::prelude::*;
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[event(topic = "orders.placed", key = order)]
    /// # struct OrderPlaced { order: u64 }
    /// # #[event_bus(group = "shop", handlers = [])]
    /// # struct Shop;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let bus = Shop::new(Config::memory()).start().await?;
    /// let orders: Vec<_> = (1..=1000).map(|order| OrderPlaced { order }).collect();
    /// let results = bus.publish_all(&orders).await;
    /// for (order, failed) in orders.iter().zip(&results).filter(|(_, result)| result.is_err()) {
    ///     eprintln!("order {}: {failed:?}", order.order);
    /// }
    /// assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1000);
    /// # bus.shutdown().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Once polled, any number of the events may be published even where the future is dropped.
    pub fn publish_all<'a, 'e, E: Event + 'e, I: IntoIterator<Item = &'e E>>(
        &'a self,
        events: I,
    ) -> impl Future<Output = Vec<Result<Receipt, PublishError>>> + Send + use<'a, 'e, E, I> {
        let encoded: Vec<_> = events.into_iter().map(Encoded::new).collect();
        async move {
            let mut under_way = Vec::with_capacity(encoded.len());
            for event in encoded {
                under_way.push(self.enqueue_encoded(event, Publish::new()).await);
            }
            let mut results = Vec::with_capacity(under_way.len());
            for enqueued in under_way {
                results.push(match enqueued {
                    Ok(enqueued) => enqueued.confirmed().await,
                    Err(error) => Err(error),
                });
            }
            results
        }
    }

    /// Hands an event over without waiting for the broker: for many publishes at once, each with an outcome of
    /// its own. Waits only while as many publishes are under way as `publish_window` allows.
    ///
    /// Events that one task enqueues one after the other are stored in that order, with one exception: where the
    /// broker refuses one of them and takes one behind it. To be sure, wait for the one before.
    ///
    /// In a handler, wait for the outcome before it returns: what the handler has handled is settled then.
    ///
    /// ```
    /// # use bus_runtime::prelude::*;
    /// # use bus_runtime::PublishError;
    /// # #[derive(Serialize, Deserialize, Event)]
    /// # #[event(topic = "orders.placed", key = order)]
    /// # struct OrderPlaced { order: u64 }
    /// async fn two(publisher: &Publisher) -> Result<(), PublishError> {
    ///     let first = publisher.enqueue(&OrderPlaced { order: 1 }).await?;
    ///     let second = publisher.enqueue(&OrderPlaced { order: 2 }).await?;
    ///     // Both are on their way.
    ///     first.confirmed().await?;
    ///     second.confirmed().await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// When the event cannot be written or is too large, when there is no room within `publish_timeout`, or when the
    /// bus has shut down. What the broker answers is the outcome of the [`Enqueued`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it resolves, it has published nothing.
    pub fn enqueue<'a, E: Event>(
        &'a self,
        event: &E,
    ) -> impl Future<Output = Result<Enqueued, PublishError>> + Send + use<'a, E> {
        self.enqueue_with(event, Publish::new())
    }

    /// Hands an event over, with an id, headers or a timeout of its own; see [`enqueue`](Self::enqueue).
    ///
    /// # Errors
    ///
    /// As [`enqueue`](Self::enqueue), and when the id or a header is one that not every broker carries.
    ///
    /// # Cancel safety
    ///
    /// As [`enqueue`](Self::enqueue).
    pub fn enqueue_with<'a, E: Event>(
        &'a self,
        event: &E,
        with: Publish,
    ) -> impl Future<Output = Result<Enqueued, PublishError>> + Send + use<'a, E> {
        self.enqueue_encoded(Encoded::new(event), with)
    }

    /// Hands bytes over for a topic that is known only at run time; see [`enqueue`](Self::enqueue).
    ///
    /// # Errors
    ///
    /// As [`enqueue_with`](Self::enqueue_with), and when no broker could carry the topic.
    ///
    /// # Cancel safety
    ///
    /// As [`enqueue`](Self::enqueue).
    pub async fn enqueue_raw(
        &self,
        topic: &str,
        key: Key,
        payload: impl Into<Bytes>,
        with: Publish,
    ) -> Result<Enqueued, PublishError> {
        let message = self.message(topic, key, payload.into(), &with)?;
        let timeout = with.timeout.unwrap_or(self.outlet.timeout);
        let deadline = after(timeout);
        let not_confirmed = |source| PublishError::NotConfirmed {
            topic: topic.to_owned(),
            source,
        };

        let from_handler = self.origin.is_some();
        let topic = Arc::clone(&message.topic);
        let publishing = self.outlet.publishes.begin(&topic);
        let permit = match self.outlet.permit(from_handler, deadline).await {
            Ok(permit) => permit,
            Err(error) => {
                publishing.answered(None);
                return Err(not_confirmed(error));
            }
        };
        let (answer, answered) = oneshot::channel();
        let unheard = Arc::clone(&topic);
        let confirm = Confirm::new(move |result| {
            drop(permit);
            publishing.answered(result.as_ref().ok().map(|receipt| receipt.duplicate));
            if let Err(Err(error)) = answer.send(result) {
                crate::observe::warning!(
                    topic = &*unheard,
                    "a publish failed whose outcome nobody waits for: {error}"
                );
            }
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
        Ok(Enqueued {
            topic,
            answered,
            // The transport answers by the deadline itself, unless the runtime that drives it has gone.
            answer_by: after(timeout.saturating_add(GRACE)).max(deadline),
        })
    }

    async fn enqueue_encoded(
        &self,
        event: Encoded,
        with: Publish,
    ) -> Result<Enqueued, PublishError> {
        let Encoded {
            topic,
            key,
            content_type,
            payload,
        } = event;
        let with = if content_type == JSON.media_type() {
            with
        } else {
            with.header_if_absent(CONTENT_TYPE, content_type)
        };
        let encode = |source| PublishError::Encode {
            topic: topic.to_owned(),
            source,
        };
        self.enqueue_raw(topic, key, payload.map_err(encode)?, with)
            .await
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

/// An event, written before the first wait: the future holds the bytes, and the event need not be `Sync`.
struct Encoded {
    topic: &'static str,
    key: Key,
    content_type: &'static str,
    payload: Result<Bytes, EncodeError>,
}

impl Encoded {
    fn new<E: Event>(event: &E) -> Self {
        Encoded {
            topic: E::TOPIC.name(),
            key: event.key(),
            content_type: E::Wire::CONTENT_TYPE,
            payload: E::Wire::encode(event),
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("transport", &self.outlet.transport)
            .finish_non_exhaustive()
    }
}
