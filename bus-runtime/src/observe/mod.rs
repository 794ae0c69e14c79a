//! What the bus says of itself: its log, its health.

mod board;
mod check;
mod health;
mod log;
mod problem;

pub(crate) use board::{Board, Place};
pub use check::HealthCheck;
pub use health::{Health, Phase, Unrouted};
pub(crate) use log::{error, is_unheard, plain, say, to_stderr, warning};
pub use problem::Problem;
