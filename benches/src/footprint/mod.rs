//! What a process has before, while and after a bus runs in it.

mod child;
mod kind;
mod reading;
mod visit;

pub use ::tests::alloc::Counting;
pub use ::tests::seen::Gate;
pub use child::child;
pub use kind::Kind;
pub use reading::Reading;
pub use visit::{HANDLERS, Visit, key, topic, visit};
