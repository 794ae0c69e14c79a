//! An event bus: handlers registered while compiling, one worker pool, order per key.
//!
//! A service annotates its handlers, lists them once, and starts the bus. However many topics there are, one
//! pool of workers handles them all; events with equal keys are handled in order, one at a time, through
//! retries and shutdowns, and no slow key holds up another.
//!
//! ```
//! use bus_runtime::prelude::*;
//!
//! /// One topic, its payload, its ordering key.
//! #[derive(Debug, Serialize, Deserialize, Event)]
//! #[event(topic = "orders.placed", key = customer)]
//! struct OrderPlaced {
//!     order: u64,
//!     customer: String,
//! }
//!
//! /// The orders of one customer one at a time, in the order they were placed.
//! #[event_handler(topic = OrderPlaced::TOPIC)]
//! async fn reserve_stock(Json(order): Json<OrderPlaced>) -> Result {
//!     println!("reserved {}", order.order);
//!     Ok(())
//! }
//!
//! /// Every event the shop handles.
//! #[event_bus(group = "shop", handlers = [reserve_stock])]
//! struct Shop;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let bus = Shop::new(Config::memory()).start().await?;
//!     bus.publish(&OrderPlaced { order: 1, customer: "c-7".into() }).await?;
//!     let report = bus.shutdown().await?;
//!     assert_eq!(report.handled(), 1);
//!     Ok(())
//! }
//! ```
//!
//! # Where things are
//!
//! - [`event_handler`], [`event_handlers`], [`event_bus`], [`Event`](derive@Event), [`FromRef`](derive@FromRef): the
//!   macros, with every argument.
//! - [`Config`]: every option, its default, and the three ways to set it. `BUS_URL` chooses the broker:
//!   `memory:` in this process, or, with the cargo features `nats` and `kafka`, `nats://host:port` and `kafka://host:port`.
//! - [`Running`], [`Publisher`], [`Stop`], [`Report`], [`Health`]: a bus that runs.
//! - [`Json`], [`Raw`], and, with the cargo features `messagepack` and `protobuf`, [`MessagePack`] and [`Protobuf`]: an
//!   event as a handler takes it; [`Codec`] for a format of your own.
//! - [`State`], [`Headers`], [`Key`], [`Metadata`]: what a handler takes behind the event; [`FromEvent`] for your own.
//! - [`DeadLetters`]: what could not be handled, to list, replay and purge.
//! - [`Outcome`], [`Result`], [`HandlerError`], [`Retry`]: what a handler says, and when it is tried again.
//! - [`Layer`]: what stands around the calls of handlers.
//! - [`transport`]: what a broker's client does for the bus.
//! - [`HealthCheck`], [`metrics`]: what a bus in operation says of itself; the guide's [page](guide::operations) says what to
//!   watch.
//! - [`testing`]: runs a bus's handlers in a test, hours of backoff in milliseconds; checkers for order, overlap and
//!   loss; the suite that every transport passes.
//!
//! # What is promised
//!
//! At least once: an event is acknowledged only after its handler succeeded or its dead letter is stored, so
//! a handler may see an event again after a crash; [`Metadata::id`] is the same then. Events of one topic,
//! group and key start one after the other, each after the one before it is settled.

mod bus;
mod clock;
mod codec;
mod dead;
mod delivery;
mod event;
pub mod guide;
mod handler;
mod macros;
mod observe;
mod pool;
pub mod prelude;
pub mod testing;
pub mod transport;

pub use bus::{
    Brake, Config, ConfigError, Drain, Enqueued, Handled, Provision, Publish, PublishError,
    Publisher, PublisherLeft, Report, RunError, Running, StartError, Stop, shutdown_signal,
};
pub use codec::{Codec, EncodeError, FromPayload, Json, MessagePack, Protobuf, Raw, Rejection};
pub use dead::{
    DeadLetter, DeadLetterError, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetters,
};
pub use delivery::DeadReason;
pub use event::{
    Carries, Event, EventId, Headers, Key, KeyWriter, Message, Metadata, Record, RoutingKey, Topic,
    Unordered,
};
pub use handler::{
    Attempt, Bus, Cx, FromEvent, FromRef, HandlerError, IntoOutcome, Layer, Next, Outcome, Result,
    Retry, State,
};
pub use macros::{Event, FromRef, event_bus, event_handler, event_handlers};
pub use observe::metrics;
pub use observe::{Health, HealthCheck, Phase, Problem, Unrouted};
pub use pool::Load;
pub use transport::Receipt;

/// What the macros' output names. No part of the public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::bus::{Config, Running, StartError, start};
    pub use crate::codec::{FromPayload, Json, Rejection, Undefined};
    pub use crate::event::{
        Event, HalfTyped, Key, KeyWriter, Message, Record, RoutingKey, Subscribed, Topic,
        TopicArgument, Unordered, WriteKey, assert_topic,
    };
    pub use crate::handler::{
        AnyState, AppState, Bus, BusLayers, Call, Checked, Compute, Computed, Cx, Decoded,
        Delivery, Ending, Extractor, FallibleOutput, FromEvent, FromRef, Handler, Handlers,
        Handles, IntoOutcome, Layers, LeftOut, Limit, Listed, Named, NoLayers, Parameters, Part,
        Retry, Route, Stack, Timeout, assert_group, assert_unique, call, capacity, check, count,
        ending, part,
    };
}
