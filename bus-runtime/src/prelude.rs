//! What a file of handlers needs: `use bus_runtime::prelude::*;`
//!
//! [`Serialize`] and [`Deserialize`] are serde's. Their derive macros name the crate `serde`, so a program that
//! derives them has `serde`, with its feature `derive`, among its own dependencies.
//!
//! [`Result`] stands for the standard library's with a default for both parameters: `Result` alone is
//! `Result<(), HandlerError>`.

pub use crate::{
    Attempt, Config, Cx, Event, FromEvent, FromRef, HandlerError, Headers, Json, Key, Layer,
    MessagePack, Metadata, Next, Outcome, Protobuf, Publish, Publisher, Raw, Record, Rejection,
    Result, Retry, State, Stop, Unordered, event_bus, event_handler, event_handlers,
    shutdown_signal,
};
pub use serde::{Deserialize, Serialize};
