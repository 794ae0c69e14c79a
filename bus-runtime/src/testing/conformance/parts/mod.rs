//! What is shown, by what it is about.

pub(super) mod bounds;
pub(super) mod buried;
pub(super) mod deduplicate;
pub(super) mod delivery;
pub(super) mod durable;
pub(super) mod end;
pub(super) mod failure;
pub(super) mod order;
pub(super) mod progress;
pub(super) mod publish;
pub(super) mod revoke;
pub(super) mod same;
