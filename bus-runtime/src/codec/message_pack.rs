//! Events as MessagePack.

use super::content_type::MESSAGE_PACK;
use super::payload::Serde;
use super::{Codec, EncodeError, FromPayload, Rejection};
use crate::event::Message;
use bytes::Bytes;
use rmp_serde::Deserializer;
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};

/// An event that is carried as [MessagePack](https://msgpack.org): what JSON can say, smaller.
///
/// Needs the cargo feature `messagepack`. `#[event(codec = MessagePack)]` makes it the format of an event, and a
/// handler takes the event as `MessagePack<T>`.
///
/// A struct is written as a map with the names of its fields, not as an array: fields may be added, reordered and,
/// with `#[serde(default)]`, left out, as in JSON. Arrays of other programs, with the fields in their order, are read
/// too.
///
/// The header `content-type` is `application/msgpack`, the name that programs agree on; the registered
/// `application/vnd.msgpack` and `application/x-msgpack` are read too. Any other, or none, which means JSON, makes the
/// event a dead letter; take an event of another program that has no such header as [`Raw`](crate::Raw).
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, Event)]
/// #[event(topic = "meters.read", key = meter, codec = MessagePack)]
/// struct MeterRead { meter: u64, watts: f64 }
///
/// #[event_handler(topic = MeterRead::TOPIC)]
/// async fn sum(MessagePack(read): MessagePack<MeterRead>) {
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
pub struct MessagePack<T>(
    /// The event.
    pub T,
);

impl<T: DeserializeOwned + Send + 'static> FromPayload for MessagePack<T> {
    type Event = T;

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        MESSAGE_PACK.check(message)?;
        let mut payload = &*message.payload;
        let event = T::deserialize(&mut Deserializer::new(&mut payload));
        let fault = match event {
            Ok(event) if payload.is_empty() => return Ok(MessagePack(event)),
            Ok(_) => format!("{} bytes behind its end", payload.len()),
            Err(error) => error.to_string(),
        };
        let event = std::any::type_name::<T>();
        Err(Rejection::new(format!(
            "the payload is not the MessagePack of a `{event}`: {fault}"
        )))
    }

    fn event(&self) -> &T {
        &self.0
    }
}

impl<T: Serde> Codec<T> for MessagePack<T> {
    const CONTENT_TYPE: &'static str = MESSAGE_PACK.media_type();

    fn encode(event: &T) -> Result<Bytes, EncodeError> {
        rmp_serde::to_vec_named(event)
            .map(Bytes::from)
            .map_err(EncodeError::new)
    }
}

impl<T> Deref for MessagePack<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MessagePack<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Headers, Key};

    fn read(payload: &[u8]) -> Result<Vec<u8>, Rejection> {
        let mut message = Message::new("numbers", Key::NONE, payload.to_vec());
        message.headers = Headers::new().with("content-type", MESSAGE_PACK.media_type());
        MessagePack::<Vec<u8>>::from_payload(&message).map(|numbers| numbers.0)
    }

    #[test]
    fn a_rejection_says_what_was_expected_and_what_is_wrong() {
        assert_eq!(read(&[0x92, 1, 2]).expect("two numbers"), [1, 2]);
        let says = |payload: &[u8]| read(payload).expect_err("not numbers").to_string();
        let text = says(&[0x92, 1, 0xc3]);
        assert!(
            text.contains("Vec<u8>") && text.contains("boolean"),
            "{text}"
        );
        let text = says(&[0x92, 1, 2, 3]);
        assert!(text.ends_with("1 bytes behind its end"), "{text}");
        says(&[0x92, 1]);
    }
}
