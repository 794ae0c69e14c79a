//! A group's consumer: one thread that owns the client, and what wakes it.

mod begin;
mod context;
mod end;
mod handle;
mod member;
mod partition;
mod rebalance;
mod settings;
mod wake;

pub(super) use handle::consume;
