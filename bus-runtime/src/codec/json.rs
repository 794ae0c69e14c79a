//! Events as JSON.

use super::payload::Serde;
use super::{Codec, EncodeError, FromPayload, JSON, Rejection};
use crate::event::Message;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};

/// An event that is carried as JSON; the format of every `#[derive(Event)]` that names no other.
///
/// As a handler's first parameter it decodes the event, afresh for each attempt. A payload that is no
/// such event becomes a dead letter at once, with the place of the fault; so does an event whose header
/// `content-type` says another format. Without the header an event is JSON, and none is written.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize)]
/// struct Order { id: u64 }
///
/// #[event_handler(topic = "orders.placed", key = order.id)]
/// async fn reserve(Json(order): Json<Order>) {
///     println!("{}", order.id);
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(
    /// The event.
    pub T,
);

impl<T: DeserializeOwned + Send + 'static> FromPayload for Json<T> {
    type Event = T;

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        JSON.check(message)?;
        serde_json::from_slice(&message.payload)
            .map(Json)
            .map_err(|error| {
                let event = std::any::type_name::<T>();
                Rejection::new(format!(
                    "the payload is not the JSON of a `{event}`: {error}"
                ))
            })
    }

    fn event(&self) -> &T {
        &self.0
    }
}

impl<T: Serde> Codec<T> for Json<T> {
    const CONTENT_TYPE: &'static str = JSON.media_type();

    fn encode(event: &T) -> Result<Bytes, EncodeError> {
        serde_json::to_vec(event)
            .map(Bytes::from)
            .map_err(EncodeError::new)
    }
}

impl<T> Deref for Json<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Key;

    #[test]
    fn what_is_written_can_be_read() {
        let payload = Json::encode(&vec![1, 2]).expect("numbers are JSON");
        let message = Message::new("numbers", Key::NONE, payload);
        let Json(numbers) = Json::<Vec<u8>>::from_payload(&message).expect("it was just written");
        assert_eq!(numbers, [1, 2]);
    }

    #[test]
    fn a_rejection_says_what_was_expected_and_where_the_fault_is() {
        let message = Message::new("numbers", Key::NONE, "[1, true]");
        let rejection = Json::<Vec<u8>>::from_payload(&message).expect_err("a bool is no number");
        let text = rejection.to_string();
        assert!(
            text.contains("Vec<u8>") && text.contains("line 1 column 8"),
            "{text}"
        );
    }
}
