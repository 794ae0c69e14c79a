//! What a process has at one moment.

use super::kind::Kind;
use ::tests::alloc::live;
use ::tests::probe::Footprint;
use serde_json::{Value, json};

/// What a process has at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Tasks of the runtime that have not ended.
    pub tasks: usize,
    /// Those of the tasks whose kind is known, by kind.
    pub kinds: Vec<(String, usize)>,
    /// Threads of the operating system.
    pub threads: usize,
    /// Open descriptors.
    pub descriptors: usize,
    /// Bytes that are allocated.
    pub heap: usize,
}

impl Reading {
    /// What this process has now.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and when the program does not count its heap with [`Counting`](super::Counting).
    #[must_use]
    pub fn now(kinds: &[Kind]) -> Self {
        Reading::of(&Footprint::now(), kinds)
    }

    /// What this process has when it does not change any more.
    ///
    /// # Panics
    ///
    /// As [`now`](Reading::now), and when it goes on changing for a minute.
    pub async fn steady(kinds: &[Kind]) -> Self {
        Reading::of(&Footprint::steady().await, kinds)
    }

    fn of(footprint: &Footprint, kinds: &[Kind]) -> Self {
        Reading {
            tasks: footprint.tasks,
            kinds: kinds
                .iter()
                .map(|kind| (kind.name.to_owned(), kind.alive()))
                .collect(),
            threads: footprint.thread_count(),
            descriptors: footprint.descriptor_count(),
            heap: live(),
        }
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "tasks": self.tasks,
            "kinds": self.kinds,
            "threads": self.threads,
            "descriptors": self.descriptors,
            "heap": self.heap,
        })
    }

    /// What [`to_json`](Reading::to_json) has written.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let count = |name: &str| usize::try_from(value[name].as_u64()?).ok();
        let kind = |kind: &Value| {
            let count = usize::try_from(kind[1].as_u64()?).ok()?;
            Some((kind[0].as_str()?.to_owned(), count))
        };
        Some(Reading {
            tasks: count("tasks")?,
            kinds: value["kinds"]
                .as_array()?
                .iter()
                .map(kind)
                .collect::<Option<_>>()?,
            threads: count("threads")?,
            descriptors: count("descriptors")?,
            heap: count("heap")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_comes_back_from_json() {
        let reading = Reading {
            tasks: 5130,
            kinds: vec![("workers".to_owned(), 5120), ("pull loops".to_owned(), 5)],
            threads: 3,
            descriptors: 9,
            heap: 1 << 30,
        };
        assert_eq!(Reading::from_json(&reading.to_json()), Some(reading));
        assert_eq!(Reading::from_json(&json!({"tasks": 1})), None);
    }
}
