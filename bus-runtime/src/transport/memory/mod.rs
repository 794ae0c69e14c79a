//! `memory:`: the events of one process, kept until every group has settled them.
//!
//! One task for the whole bus delivers what was published to each group, topic by topic, and forgets what
//! is settled. Nothing outlives the process.
//!
//! A full log keeps publishes from outside waiting, and them alone: what handlers publish, and dead letters, are
//! stored past its limits, as an event keeps its room until its handler, and its dead letter, is done.

mod broker;
mod consumer;
mod due;
mod log;
mod room;
mod task;
mod waiting;

pub(crate) use broker::Memory;
