//! What a handler publishes that a test calls directly.

use super::test_bus::decoded;
use crate::bus::Publisher;
use crate::codec::FromPayload;
use crate::event::{Event, Message};
use crate::transport::{
    BoxFuture, Buried, Capabilities, Confirm, Consumer, Intake, Leftover, Letter, Outgoing,
    Position, Receipt, Subscription, Transport, TransportError,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Takes what a handler publishes that a test calls as a plain function. Cheap to clone.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::testing::Outbox;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "orders.placed", key = order)]
/// struct OrderPlaced { order: u64 }
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "stock.reserved", key = order)]
/// struct StockReserved { order: u64 }
///
/// #[event_handler(topic = OrderPlaced::TOPIC)]
/// async fn reserve(Json(placed): Json<OrderPlaced>, publisher: Publisher) -> Result {
///     publisher.publish(&StockReserved { order: placed.order }).await?;
///     Ok(())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // In a `#[tokio::test]`:
/// let outbox = Outbox::new();
/// reserve(Json(OrderPlaced { order: 7 }), outbox.publisher()).await.expect("it reserves");
/// assert_eq!(outbox.published::<StockReserved>()[0].order, 7);
///
/// outbox.refuse("out of order");
/// let error = reserve(Json(OrderPlaced { order: 8 }), outbox.publisher()).await;
/// assert!(error.expect_err("it is not published").to_string().contains("out of order"));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Outbox(Arc<Sent>);

#[derive(Debug, Default)]
struct Sent(Mutex<Taken>);

#[derive(Debug, Default)]
struct Taken {
    messages: Vec<Message>,
    refuses: Option<String>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Outbox::default()
    }

    /// A publisher whose events come here, with new ids. It needs a tokio runtime with timers, as every publisher.
    #[must_use]
    pub fn publisher(&self) -> Publisher {
        let timeout = Duration::from_secs(10);
        Publisher::of_bus(Arc::clone(&self.0) as _, 1024, timeout)
    }

    /// From now on every publish fails, as when the broker cannot be reached, and says `why`.
    pub fn refuse(&self, why: &str) {
        self.0.taken().refuses = Some(why.to_owned());
    }

    /// The events of `E`'s topic that were published, in order.
    ///
    /// # Panics
    ///
    /// When one of them is no `E`.
    #[must_use]
    #[track_caller]
    pub fn published<E: Event<Wire: FromPayload<Event = E>>>(&self) -> Vec<E::Wire> {
        decoded::<E>(&self.messages())
    }

    /// Everything that was published, with ids, keys and headers, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.0.taken().messages.clone()
    }
}

impl Sent {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A broker that takes events and delivers none.
impl Transport for Sent {
    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }

    fn consume(
        &self,
        _: Subscription,
        _: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        let why = "an outbox delivers nothing; run a `TestBus`".to_owned();
        Box::pin(std::future::ready(Err(TransportError::Refused(why))))
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        let answer = {
            let mut taken = self.taken();
            if let Some(why) = &taken.refuses {
                Err(TransportError::Unreachable(why.clone()))
            } else {
                taken.messages.push(outgoing.message);
                Ok(Receipt::stored(false))
            }
        };
        confirm.answer(answer);
    }

    fn buried(&self) -> &dyn Buried {
        self
    }

    fn close(&self, _: Instant) -> BoxFuture<'_, Leftover> {
        Box::pin(std::future::ready(Leftover::default()))
    }
}

/// There are no dead letters, since nothing is delivered.
impl Buried for Sent {
    fn knows<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, TransportError>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    fn list<'a>(
        &'a self,
        _: &'a str,
        _: Position,
        _: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }

    fn newest<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Position>, TransportError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn remove<'a>(
        &'a self,
        _: &'a str,
        _: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}
