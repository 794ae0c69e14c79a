//! What the bus says of itself: its health.

mod board;

pub(crate) use board::{Board, Place};
pub use board::{Health, Problem};
