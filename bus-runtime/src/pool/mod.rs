//! The one worker pool: strict order per key, bounded, fair between subscriptions, provably ended.
//!
//! ```text
//! sources ── reserve, submit ──► CORE (one mutex): strands, ready queues, delay heap, admission
//! runner (a tokio task, ≤ N, 0 when idle): poll handler → judge → settle → one lock: complete, take the next
//! timer  (a tokio task, 0 when nothing waits): retries, timeouts
//! ```
//!
//! It knows neither a broker nor a handler: a [`Work`] tells it what an event's attempt is and what
//! becomes of it.

mod admission;
mod brake;
mod budget;
mod core;
mod handle;
mod polls;
mod runner;
mod slab;
mod source;
mod suspended;
#[cfg(test)]
mod tests;
mod timer;
mod work;

pub(crate) use admission::Grant;
pub use handle::Load;
pub(crate) use handle::{Limits, Pool, Share, Standing};
pub(crate) use polls::Looks;
pub(crate) use runner::message as panic_message;
pub(crate) use source::{PoolSource, Submission};
pub(crate) use work::{Attempt, Brakes, Ended, Ticket, Verdict, Work};
