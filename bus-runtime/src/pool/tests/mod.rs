//! The pool with scripted events, on a paused clock where time matters.

mod bounds;
mod brake;
mod ending;
mod order;
mod rig;
mod storm;
mod stuck;
