//! What the tests share.

pub mod alloc;
pub mod alone;
pub mod broker;
pub mod cause;
pub mod fixtures;
pub mod jetstream;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod letters;
pub mod load;
pub mod logged;
pub mod members;
pub mod metered;
pub mod on;
pub mod patience;
pub mod probe;
pub mod record;
pub mod seen;
