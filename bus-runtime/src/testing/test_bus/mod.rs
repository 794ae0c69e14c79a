//! A bus under test.

mod bus;
mod event;
mod journal;
mod not_idle;
mod pace;
mod real_time;
mod recorder;

pub use bus::TestBus;
pub(super) use event::decoded;
pub use event::{Failure, TestEvent, TestOutcome};
pub use not_idle::NotIdle;
