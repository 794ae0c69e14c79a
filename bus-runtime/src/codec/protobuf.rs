//! Events as Protocol Buffers.

use super::content_type::PROTOBUF;
use super::{Codec, EncodeError, FromPayload, Rejection};
use crate::event::Message;
use bytes::Bytes;
use std::ops::{Deref, DerefMut};

/// An event that is carried as a message of [Protocol Buffers](https://protobuf.dev).
///
/// Needs the cargo feature `protobuf`. The event is a message of the crate `prost` 0.14, derived, or generated from a
/// `.proto` file, where `prost-build`'s `type_attribute` adds the `#[derive(Event)]`.
///
/// The header `content-type` is `application/protobuf`, the registered name; `application/x-protobuf` and other former
/// names are read too. Any other, or none, which means JSON, makes the event a dead letter; take an event of another
/// program that has no such header as [`Raw`](crate::Raw).
///
/// Every field of a message may be absent, so bytes of another message may be read as this one, with default values.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(prost::Message, Event)]
/// #[event(topic = "meters.read", key = meter, codec = Protobuf)]
/// struct MeterRead {
///     #[prost(uint64, tag = "1")]
///     meter: u64,
///     #[prost(double, tag = "2")]
///     watts: f64,
/// }
///
/// #[event_handler(topic = MeterRead::TOPIC)]
/// async fn sum(Protobuf(read): Protobuf<MeterRead>) {
///     println!("{} W", read.watts);
/// }
///
/// #[event_bus(group = "billing", handlers = [sum])]
/// struct Billing;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let bus = Billing::new(Config::memory()).start().await?;
///     bus.publish(&MeterRead { meter: 7, watts: 230.5 }).await?;
///     assert_eq!(bus.shutdown().await?.handled(), 1);
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Protobuf<T>(
    /// The event.
    pub T,
);

/// What Protocol Buffers can carry.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a message of Protocol Buffers: add `#[derive(prost::Message)]` to it",
    label = "does not implement `prost::Message`"
)]
pub trait Buffered: prost::Message + Default + 'static {}

#[diagnostic::do_not_recommend]
impl<T: prost::Message + Default + 'static> Buffered for T {}

impl<T: Buffered> FromPayload for Protobuf<T> {
    type Event = T;

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        PROTOBUF.check(message)?;
        T::decode(&*message.payload).map(Protobuf).map_err(|error| {
            let event = std::any::type_name::<T>();
            Rejection::new(format!(
                "the payload is not the Protobuf of a `{event}`: {error}"
            ))
        })
    }

    fn event(&self) -> &T {
        &self.0
    }
}

impl<T: Buffered> Codec<T> for Protobuf<T> {
    const CONTENT_TYPE: &'static str = PROTOBUF.media_type();

    fn encode(event: &T) -> Result<Bytes, EncodeError> {
        Ok(event.encode_to_vec().into())
    }
}

impl<T> Deref for Protobuf<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Protobuf<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
