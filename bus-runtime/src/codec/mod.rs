//! How an event is written and read: [`Json`], [`MessagePack`], [`Protobuf`], or [`Raw`] bytes.

#[cfg(not(all(feature = "messagepack", feature = "protobuf")))]
mod absent;
mod content_type;
mod errors;
mod json;
#[cfg(feature = "messagepack")]
mod message_pack;
mod payload;
#[cfg(feature = "protobuf")]
mod protobuf;
mod raw;

#[cfg(not(feature = "messagepack"))]
pub use absent::MessagePack;
#[cfg(not(feature = "protobuf"))]
pub use absent::Protobuf;
pub(crate) use content_type::{CONTENT_TYPE, JSON};
pub use errors::{EncodeError, Rejection};
pub use json::Json;
#[cfg(feature = "messagepack")]
pub use message_pack::MessagePack;
pub use payload::{Codec, FromPayload, Undefined};
#[cfg(feature = "protobuf")]
pub use protobuf::Protobuf;
pub use raw::Raw;
