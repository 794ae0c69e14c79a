//! What a handler's first parameter is, and how an event is written for it.

use super::{EncodeError, Rejection};
use crate::event::Message;
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A handler's first parameter: the event.
///
/// [`Json`](super::Json), [`MessagePack`](super::MessagePack), [`Protobuf`](super::Protobuf) and [`Raw`](super::Raw)
/// implement it; so may a format of your own.
///
/// ```
/// use bus_runtime::{FromPayload, Message, Rejection};
///
/// /// An event whose payload is text.
/// struct Text(String);
///
/// impl FromPayload for Text {
///     type Event = str;
///
///     fn from_payload(message: &Message) -> Result<Self, Rejection> {
///         String::from_utf8(message.payload.to_vec())
///             .map(Text)
///             .map_err(|error| Rejection::new(format!("the payload is not text: {error}")))
///     }
///
///     fn event(&self) -> &str {
///         &self.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event payload: a handler's first parameter is the event, as in `Json(order): Json<Order>`",
    label = "not an event payload",
    note = "take `Json<T>`, `MessagePack<T>`, `Protobuf<T>` or `Raw`; extractors, such as `State<T>`, come after the event"
)]
pub trait FromPayload: Sized + Send + 'static {
    /// What is inside: a closure given as `key` gets a reference to it.
    type Event: ?Sized;

    /// Decodes the event.
    ///
    /// # Errors
    ///
    /// Where the bytes are no such event: it becomes a dead letter.
    fn from_payload(message: &Message) -> Result<Self, Rejection>;

    /// The decoded event.
    fn event(&self) -> &Self::Event;
}

/// A format that can carry the events of type `E`: what `#[event(codec = …)]` names, without the `<E>`.
///
/// A format of your own is read by a handler as its [`FromPayload`], which checks the header `content-type` itself, and
/// says that it [`Carries`](crate::Carries) the event.
///
/// ```
/// use bus_runtime::prelude::*;
/// use bus_runtime::{Carries, Codec, EncodeError, FromPayload, Message};
///
/// /// A number as text.
/// struct Decimal<T>(T);
///
/// impl<T: ToString + 'static> Codec<T> for Decimal<T> {
///     const CONTENT_TYPE: &'static str = "text/plain";
///
///     fn encode(event: &T) -> Result<bytes::Bytes, EncodeError> {
///         Ok(event.to_string().into())
///     }
/// }
///
/// impl<T: std::str::FromStr<Err: std::fmt::Display> + Send + 'static> FromPayload for Decimal<T> {
///     type Event = T;
///
///     fn from_payload(message: &Message) -> Result<Self, Rejection> {
///         let text = String::from_utf8_lossy(&message.payload);
///         text.parse().map(Decimal).map_err(|error| Rejection::new(format!("`{text}`: {error}")))
///     }
///
///     fn event(&self) -> &T {
///         &self.0
///     }
/// }
///
/// #[derive(Event)]
/// #[event(topic = "numbers.told", key = Unordered, codec = Decimal)]
/// struct Told(u64);
///
/// impl Carries<Told> for Decimal<Told> {}
/// # impl std::fmt::Display for Told {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { self.0.fmt(f) }
/// # }
/// # impl std::str::FromStr for Told {
/// #     type Err = std::num::ParseIntError;
/// #     fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Told) }
/// # }
///
/// #[event_handler(topic = Told::TOPIC)]
/// async fn add(Decimal(told): Decimal<Told>) {
///     println!("{}", told.0);
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a format for `{E}`: `codec` is `Json`, `MessagePack`, `Protobuf`, or a format of your \
               own, which implements `Codec<{E}>`",
    label = "not a format for `{E}`"
)]
pub trait Codec<E>: 'static {
    /// The header `content-type` of the events in this format. `application/json` is not written: without the header an
    /// event is JSON.
    const CONTENT_TYPE: &'static str;

    /// Writes an event.
    ///
    /// # Errors
    ///
    /// Where the event has no form in this format.
    fn encode(event: &E) -> Result<Bytes, EncodeError>;
}

/// What serde can write and read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written and read: add `#[derive(Serialize, Deserialize)]` to it",
    label = "does not implement `Serialize` and `Deserialize`"
)]
pub trait Serde: Serialize + DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> Serde for T {}

/// Stands for the format of an event whose definition is in error.
#[derive(Debug)]
pub struct Undefined<E>(E);

impl<E: Send + 'static> FromPayload for Undefined<E> {
    type Event = E;

    fn from_payload(_: &Message) -> Result<Self, Rejection> {
        Err(Rejection::new("the event's definition is in error"))
    }

    fn event(&self) -> &E {
        &self.0
    }
}

impl<E: Send + 'static> Codec<E> for Undefined<E> {
    const CONTENT_TYPE: &'static str = "";

    fn encode(_: &E) -> Result<Bytes, EncodeError> {
        Err(EncodeError::new("the event's definition is in error"))
    }
}
