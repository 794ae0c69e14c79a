//! Between a transport and the pool: what may be acknowledged, what an attempt's end means, and dead
//! letters.

pub(crate) mod additions;
mod dead_letter;
mod dispatch;
mod frontier;
mod held;
mod intake;
mod mistake;
mod replay;
mod source;
mod sources;
mod tally;
mod witness;

pub(crate) use dispatch::Dispatch;
pub use frontier::Position;
pub(crate) use held::{Begin, Invocation, Subscribed};
pub use intake::Intake;
pub(crate) use intake::Routes;
pub(crate) use mistake::acknowledge_early;
pub use source::{Epoch, Grant, Incoming, Revoke, Source};
pub(crate) use sources::Sources;
pub(crate) use tally::Count;
pub use tally::DeadReason;
pub(crate) use witness::{Settled, Witness, Witnessed};
