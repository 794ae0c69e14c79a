//! What stands for the formats whose cargo features are off: each names its feature where it is used.

use super::{Codec, EncodeError, FromPayload, Rejection};
use crate::event::Message;
use bytes::Bytes;

macro_rules! absent {
    ($format:ident, $feature:literal, $switch:ident, $message:literal) => {
        #[doc = concat!("Needs the cargo feature `", $feature, "`.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $format<T>(
            /// The event.
            pub T,
        );

        /// Never implemented.
        #[diagnostic::on_unimplemented(message = $message, label = "of a cargo feature that is off")]
        pub trait $switch {}

        impl<T: $switch + Send + 'static> FromPayload for $format<T> {
            type Event = T;

            fn from_payload(_: &Message) -> Result<Self, Rejection> {
                Err(Rejection::new($message))
            }

            fn event(&self) -> &T {
                &self.0
            }
        }

        impl<T: $switch + Send + 'static> Codec<T> for $format<T> {
            const CONTENT_TYPE: &'static str = "";

            fn encode(_: &T) -> Result<Bytes, EncodeError> {
                Err(EncodeError::new($message))
            }
        }
    };
}

#[cfg(not(feature = "messagepack"))]
absent!(
    MessagePack,
    "messagepack",
    MessagePackIsOn,
    "`MessagePack` needs the cargo feature `messagepack` of `bus-runtime`: add it to `features` in `Cargo.toml`"
);

#[cfg(not(feature = "protobuf"))]
absent!(
    Protobuf,
    "protobuf",
    ProtobufIsOn,
    "`Protobuf` needs the cargo feature `protobuf` of `bus-runtime`: add it to `features` in `Cargo.toml`"
);
