//! Tests of a service, and of a transport.
//!
//! A handler is a plain function: a test calls it, with [`metadata`], an [`Outbox`] and whatever else it takes. [`TestBus`] runs all handlers of a bus, any number of them side by
//! side, and skips the hours between attempts.
//!
//! [`Ledger`] is told what was published and what handlers did, and finds what broke a promise. Whoever writes a
//! transport runs [`conformance`] against it.
//!
//! One bus runs in a process; tests that start a bus itself side by side, and not a [`TestBus`], call
//! [`several_buses`] first.

pub mod conformance;
mod ledger;
mod mistake;
mod outbox;
mod parameters;
mod several;
mod test_bus;

pub use ledger::{Attempt, Findings, Ledger};
#[doc(hidden)]
pub use mistake::acknowledge_early;
pub use outbox::Outbox;
pub use parameters::{context, metadata, stop};
pub use several::several_buses;
pub use test_bus::{Failure, NotIdle, TestBus, TestEvent, TestOutcome};
