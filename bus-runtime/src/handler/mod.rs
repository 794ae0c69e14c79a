//! Handlers: what the macros write down about them, and how one is called.

mod call;
mod check;
mod context;
mod descriptor;
mod error;
mod extract;
mod layer;
mod layers;
mod limits;
mod outcome;
mod retry;
mod state;
mod text;

pub use call::{Call, call};
pub use check::{Checked, assert_group, assert_unique, capacity, check};
pub use context::{Cx, Delivery};
pub(crate) use descriptor::handlers;
pub use descriptor::{
    AppState, Bus, Compute, Computed, Decoded, Handler, Handlers, Handles, LeftOut, Listed, Named,
    Route, count,
};
pub use error::HandlerError;
pub use extract::{AnyState, Extractor, FromEvent, Parameters};
pub use layer::{Attempt, Layer, Next};
pub use layers::{BusLayers, Layers, NoLayers, Stack};
pub use limits::{Limit, Timeout};
pub use outcome::{Ending, FallibleOutput, IntoOutcome, Outcome, Result, ending};
pub use retry::Retry;
pub use state::{FromRef, Part, State, part};
