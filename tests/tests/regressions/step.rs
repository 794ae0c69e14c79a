//! The event of most scenarios.

use bus_runtime::prelude::*;

/// One of a key's events, numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "steps.taken", key = key)]
pub(crate) struct Step {
    pub(crate) key: String,
    pub(crate) number: u64,
}

pub(crate) fn step(key: &str, number: u64) -> Step {
    let key = key.to_owned();
    Step { key, number }
}

/// The numbers of a key's events, as they were seen.
pub(crate) fn numbers(of: &str, seen: &[Step]) -> Vec<u64> {
    let of = seen.iter().filter(|step| step.key == of);
    of.map(|step| step.number).collect()
}
