//! Checkers for order, overlap and loss, for tests of a service or a transport.
//!
//! Whoever writes a transport runs [`conformance`] against it.
//!
//! [`Ledger`] is told what was published and what handlers did, and finds what broke a promise. One bus runs in
//! a process; tests that run side by side in one process call [`several_buses`] first.

pub mod conformance;
mod ledger;
mod mistake;
mod several;

pub use ledger::{Attempt, Findings, Ledger};
#[doc(hidden)]
pub use mistake::acknowledge_early;
pub use several::several_buses;
