//! What the bus says of itself: its log, its health.

mod board;
mod health;
mod log;

pub(crate) use board::{Board, Place};
pub use health::{Health, Problem, Unrouted};
pub(crate) use log::{error, is_unheard, plain, say, to_stderr, warning};
