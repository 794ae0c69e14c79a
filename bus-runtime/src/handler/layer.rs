//! What stands around the calls of handlers.

use super::{Cx, Ending, Outcome};
use crate::codec::Rejection;
use crate::event::{Headers, Key, Message, Metadata};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};

/// What stands around every attempt of a handler, or of all handlers of a bus: timing, limits, tests of a header.
///
/// `layers = [TIMING, LIMIT]` names constants or, where a layer counts or remembers, `static`s: on
/// [`#[event_bus]`](macro@crate::event_bus) around every handler, on
/// [`#[event_handler]`](macro@crate::event_handler) around one, within the bus's. The first of a list is the outermost.
///
/// A layer awaits `next`, and returns what that says, or something else; or it drops `next` and answers in the
/// handler's place. What it returns unchanged keeps its error and the reason of its dead letter. Layers see each attempt,
/// also of an event that cannot be decoded: [`Attempt::rejection`].
///
/// A panic in a layer is a panic of the handler, and the handler's `timeout` is for the attempt with its layers. Both
/// drop the layers' futures where they are: what a layer must do at the end, come what may, it does in a `Drop`.
///
/// Layers allocate nothing. Without any, a call costs what it costs without this trait.
///
/// ```
/// use bus_runtime::prelude::*;
/// use std::time::Instant;
///
/// /// Says how long each attempt took.
/// struct Timing;
///
/// impl Layer for Timing {
///     async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
///         let begun = Instant::now();
///         let outcome = next.await;
///         println!("{} of {}: {outcome:?} in {:?}", attempt.handler(), attempt.topic(), begun.elapsed());
///         outcome
///     }
/// }
///
/// /// Skips events of tenants that are not this one.
/// struct Only(&'static str);
///
/// impl Layer for Only {
///     async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
///         if attempt.headers().get("tenant") != Some(self.0) {
///             return Outcome::Skip;
///         }
///         next.await
///     }
/// }
///
/// const BLUE: Only = Only("blue");
///
/// #[event_handler(topic = "orders.placed", key = Record, layers = [BLUE])]
/// async fn reserve(_: Raw) {}
///
/// #[event_bus(group = "shop", layers = [Timing], handlers = [reserve])]
/// struct Shop;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let bus = Shop::new(Config::memory()).start().await?;
///     let publisher = bus.publisher();
///     for tenant in ["blue", "green"] {
///         let with = Publish::new().header("tenant", tenant);
///         publisher.publish_raw("orders.placed", Key::NONE, "{}", with).await?;
///     }
///     let report = bus.shutdown().await?;
///     assert_eq!((report.handled(), report.skipped()), (1, 1));
///     Ok(())
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer: implement `Layer` for it",
    label = "not a layer",
    note = "`impl Layer for {Self} {{ async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {{ next.await }} }}`"
)]
pub trait Layer: Sync {
    /// Stands around one attempt.
    fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>)
    -> impl Future<Output = Outcome> + Send;
}

#[diagnostic::do_not_recommend]
impl<L: Layer> Layer for &L {
    fn handle(
        &self,
        attempt: &Attempt<'_>,
        next: Next<'_>,
    ) -> impl Future<Output = Outcome> + Send {
        (**self).handle(attempt, next)
    }
}

/// One attempt to handle an event, as a [`Layer`] sees it.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    handler: &'static str,
    message: &'a Message,
    key: &'a Key,
    metadata: &'a Metadata,
    ended: &'a OnceLock<Ending>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new<S>(cx: &'a Cx<S>, ended: &'a OnceLock<Ending>) -> Self {
        Attempt {
            handler: cx.handler,
            message: &cx.message,
            key: &cx.key,
            metadata: &cx.metadata,
            ended,
        }
    }

    /// The handler's path, as `shop::orders::reserve_stock`.
    pub fn handler(&self) -> &'static str {
        self.handler
    }

    /// The topic, without namespace.
    pub fn topic(&self) -> &'a str {
        &self.metadata.topic
    }

    /// The group that handles the event: see [`Metadata::group`].
    pub fn group(&self) -> &'a str {
        &self.metadata.group
    }

    /// Which attempt this is; the first is 1.
    pub fn number(&self) -> u32 {
        self.metadata.attempt
    }

    /// The key by which the handler is ordered.
    pub fn key(&self) -> &'a Key {
        self.key
    }

    /// The event's id, time, position, and the rest.
    pub fn metadata(&self) -> &'a Metadata {
        self.metadata
    }

    /// The event's headers.
    pub fn headers(&self) -> &'a Headers {
        &self.message.headers
    }

    /// The event's bytes, as they came.
    pub fn payload(&self) -> &'a [u8] {
        &self.message.payload
    }

    /// Why the event cannot be taken as the handler asks for it: `next` is then a dead letter, without a call of the
    /// handler.
    pub fn rejection(&self) -> Option<&'a Rejection> {
        match self.ended.get() {
            Some(Ending::Undecodable(rejection)) => Some(rejection),
            _ => None,
        }
    }

    /// The handler's error, once `next` has ended with one; before that, the [rejection](Self::rejection), if any.
    pub fn error(&self) -> Option<&'a (dyn Error + 'static)> {
        self.ended.get().and_then(Ending::error)
    }
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("handler", &self.handler)
            .field("key", &self.key)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// The rest of an attempt: the layers within, and the handler. A [`Layer`] awaits it, or answers in its place.
///
/// It points to the rest, which so takes the same room under any number of layers: dropping it stops the rest for good,
/// but what that holds is given back when the attempt ends.
#[must_use = "the handler runs only where it is awaited"]
pub struct Next<'a>(Pin<&'a mut (dyn Future<Output = Outcome> + Send + 'a)>);

impl<'a> Next<'a> {
    pub(super) fn new(rest: Pin<&'a mut (dyn Future<Output = Outcome> + Send + 'a)>) -> Self {
        Next(rest)
    }
}

impl Future for Next<'_> {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}
