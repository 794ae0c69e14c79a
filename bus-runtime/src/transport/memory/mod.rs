//! `memory:`: the events of one process, kept until every group has settled them.
//!
//! One task for the whole bus delivers what was published to each group, topic by topic, and forgets what
//! is settled. Nothing outlives the process.

mod broker;
mod consumer;
mod due;
mod log;
mod room;
mod task;
mod waiting;

pub(crate) use broker::Memory;
