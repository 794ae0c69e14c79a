//! What the bus says of itself: its log, its metrics, its health.

mod board;
mod check;
mod health;
mod log;
mod meters;
pub mod metrics;
mod problem;
mod thread;

pub(crate) use board::{Board, Place};
pub use check::HealthCheck;
pub use health::{Health, Phase, Unrouted};
pub(crate) use log::{error, is_unheard, plain, say, to_stderr, warning};
pub(crate) use meters::{Acknowledgements, Attempts, Publishes};
pub use problem::Problem;
pub(crate) use thread::spawn;
