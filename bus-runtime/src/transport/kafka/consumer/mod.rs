//! A group's consumer: one thread that owns the client, and what wakes it.

mod context;
mod end;
mod handle;
mod member;
mod partition;
mod rebalance;
mod settings;
mod thread;
mod wake;

pub(super) use handle::consume;
