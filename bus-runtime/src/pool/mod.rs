//! The one worker pool: strict order per key, bounded, fair between subscriptions, provably ended.
//!
//! It knows neither a broker nor a handler: a [`Work`] tells it what an event's attempt is and what
//! becomes of it.

mod work;

pub(crate) use work::{Attempt, Ended, Ticket, Verdict, Work};
