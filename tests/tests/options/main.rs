//! Every option has an effect that can be seen: one test for each, and none without one.

mod bus;
mod handler;
mod listed;
