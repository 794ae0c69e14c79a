//! What the tests share.

pub mod broker;
pub mod fixtures;
pub mod jetstream;
pub mod logged;
pub mod on;
pub mod seen;
