//! What a handler's first parameter is, and how an event is written for it.

use super::{EncodeError, Rejection};
use crate::event::Message;
use bytes::Bytes;
use std::marker::PhantomData;

/// A handler's first parameter: the event.
///
/// [`Json`](super::Json) and [`Raw`](super::Raw) implement it; so may a format of your own.
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
    note = "take `Json<T>` or `Raw`; extractors, such as `State<T>`, come after the event"
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

/// A format that can carry the events of type `E`.
#[diagnostic::on_unimplemented(
    message = "`{E}` cannot be written and read as JSON: add `#[derive(Serialize, Deserialize)]` to it",
    label = "does not implement `Serialize` and `Deserialize`"
)]
pub trait Codec<E> {
    /// Writes an event.
    ///
    /// # Errors
    ///
    /// Where the event has no form in this format.
    fn encode(event: &E) -> Result<Bytes, EncodeError>;
}

/// Stands for the format of an event whose definition is in error.
#[derive(Debug)]
pub struct Undefined<E>(PhantomData<E>);
