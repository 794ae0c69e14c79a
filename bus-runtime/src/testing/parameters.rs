//! What a handler's parameters are, for a test that calls it.

use super::Outbox;
use crate::bus::Stop;
use crate::event::{Key, Message, Metadata};
use crate::handler::Cx;
use std::sync::{Arc, OnceLock};

/// What the bus knows about an event: of this topic, published now with a new id, at its first attempt. A test
/// changes what it is about.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::testing::metadata;
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(_: Raw, about: Metadata) -> Outcome {
///     if about.attempt > 2 { Outcome::Skip } else { Outcome::Done }
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let mut about = metadata("orders.placed");
/// about.attempt = 3;
/// assert_eq!(reserve(Raw("{}".into()), about).await, Outcome::Skip);
/// # }
/// ```
#[must_use]
pub fn metadata(topic: &str) -> Metadata {
    about(&Message::new(topic, Key::NONE, ""))
}

/// A `Stop` that stops nothing: the test asks it whether the handler has.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::testing::stop;
///
/// #[event_handler(topic = "shop.closed", key = Unordered)]
/// async fn close(_: Raw, stop: Stop) {
///     stop.stop();
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let asked = stop();
/// close(Raw::default(), asked.clone()).await;
/// assert!(asked.is_stopped());
/// # }
/// ```
#[must_use]
pub fn stop() -> Stop {
    Stop::new()
}

/// What an extractor of your own takes its parts from: an event, and the bus's state.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::testing::context;
/// use bus_runtime::Message;
///
/// struct Tenant(String);
///
/// impl<S> FromEvent<S> for Tenant {
///     fn from_event(cx: &Cx<S>) -> Result<Self, Rejection> {
///         let tenant = cx.headers().get("tenant");
///         tenant.map(|name| Tenant(name.into())).ok_or_else(|| Rejection::new("no header `tenant`"))
///     }
/// }
///
/// let mut message = Message::new("orders.placed", Key::of("c-7"), "{}");
/// assert!(Tenant::from_event(&context((), message.clone())).is_err());
/// message.headers = Headers::new().with("tenant", "blue");
/// assert_eq!(Tenant::from_event(&context((), message)).expect("it has one").0, "blue");
/// ```
#[must_use]
pub fn context<S>(state: S, message: Message) -> Cx<S> {
    Cx {
        handler: "testing",
        state: Arc::new(state),
        key: message.key.clone(),
        metadata: about(&message),
        message,
        publisher: Outbox::new().publisher(),
        origin: OnceLock::new(),
        stop: stop(),
    }
}

fn about(message: &Message) -> Metadata {
    Metadata {
        id: message.id.clone(),
        topic: Arc::clone(&message.topic),
        group: "testing".into(),
        time: message.time,
        source: "testing".into(),
        position: 1,
        attempt: 1,
        fence: 1,
    }
}
