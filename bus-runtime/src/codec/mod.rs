//! How an event is written and read: [`Json`], or [`Raw`] bytes.

mod errors;
mod json;
mod payload;
mod raw;

pub use errors::{EncodeError, Rejection};
pub use json::Json;
pub use payload::{Codec, FromPayload, Undefined};
pub use raw::Raw;
