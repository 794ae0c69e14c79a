//! Events as they came.

use super::{FromPayload, Rejection};
use crate::event::Message;
use bytes::Bytes;

/// An event's bytes, as they came; nothing is decoded or copied.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[event_handler(topic = "pictures.added", key = Record)]
/// async fn store(Raw(picture): Raw) {
///     println!("{} bytes", picture.len());
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw(
    /// The bytes.
    pub Bytes,
);

impl FromPayload for Raw {
    type Event = [u8];

    fn from_payload(message: &Message) -> Result<Self, Rejection> {
        Ok(Raw(message.payload.clone()))
    }

    fn event(&self) -> &[u8] {
        &self.0
    }
}
