//! What a process has: tasks, threads, descriptors, and whether its heap grows.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;

/// What a process has at one moment, by kind.
#[derive(Clone, Debug, Default)]
pub struct Footprint {
    /// Tasks of the current runtime that have not ended.
    pub tasks: usize,
    /// Threads of the operating system, by name.
    pub threads: BTreeMap<String, usize>,
    /// Open descriptors, by what they are: `socket`, `pipe`, a path.
    pub descriptors: BTreeMap<String, usize>,
}

impl Footprint {
    /// What this process has now.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and where there is no `/proc`.
    #[must_use]
    pub fn now() -> Self {
        let mut footprint = Footprint {
            tasks: Handle::current().metrics().num_alive_tasks(),
            ..Footprint::default()
        };
        for thread in entries("/proc/self/task") {
            // A thread that ends while it is read is no longer there.
            if let Ok(name) = fs::read_to_string(format!("/proc/self/task/{thread}/comm")) {
                *footprint.threads.entry(name.trim().to_owned()).or_default() += 1;
            }
        }
        for descriptor in entries("/proc/self/fd") {
            let Ok(target) = fs::read_link(format!("/proc/self/fd/{descriptor}")) else {
                continue; // The one that listed the others is closed by now.
            };
            let target = target.to_string_lossy().into_owned();
            // `socket:[4711]`: the number is another one each time.
            let kind = target.split(":[").next().unwrap_or_default().to_owned();
            *footprint.descriptors.entry(kind).or_default() += 1;
        }
        footprint
    }

    /// What this process has when it does not change any more: the same in ten readings, 10 ms apart.
    ///
    /// # Panics
    ///
    /// When it goes on changing for a minute.
    pub async fn steady() -> Self {
        let deadline = Instant::now() + Duration::from_mins(1);
        let (mut last, mut same) = (Footprint::now(), 0);
        while same < 10 {
            assert!(Instant::now() < deadline, "it goes on changing: {last}");
            tokio::time::sleep(Duration::from_millis(10)).await;
            let now = Footprint::now();
            same = if now.since(&last).0.is_empty() {
                same + 1
            } else {
                0
            };
            last = now;
        }
        last
    }

    /// How many threads.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        self.threads.values().sum()
    }

    /// How many descriptors.
    #[must_use]
    pub fn descriptor_count(&self) -> usize {
        self.descriptors.values().sum()
    }

    /// What this has that `baseline` has not, and what it lacks, each by kind.
    #[must_use]
    pub fn since(&self, baseline: &Footprint) -> Difference {
        let mut found = Vec::new();
        let mut compare = |kind: &str, before: usize, now: usize| {
            if before != now {
                let (count, how) = (
                    now.abs_diff(before),
                    if now > before { "more" } else { "fewer" },
                );
                found.push(format!("{count} {how} {kind}"));
            }
        };
        compare("task", baseline.tasks, self.tasks);
        for (kind, before, now) in [
            ("thread", &baseline.threads, &self.threads),
            ("descriptor", &baseline.descriptors, &self.descriptors),
        ] {
            let mut names: Vec<&String> = before.keys().chain(now.keys()).collect();
            names.sort();
            names.dedup();
            // The names are for the reader; a young thread has that of its maker still.
            let total = |of: &BTreeMap<String, usize>| of.values().sum::<usize>();
            if kind == "thread" && total(before) == total(now) {
                continue;
            }
            for name in names {
                let count = |of: &BTreeMap<String, usize>| of.get(name).copied().unwrap_or(0);
                compare(&format!("{kind} `{name}`"), count(before), count(now));
            }
        }
        Difference(found)
    }

    /// Waits until this process has exactly what it had: what was asked to end may take a moment.
    ///
    /// # Errors
    ///
    /// What it still has, or has no more, when `patience` is over.
    pub async fn regained(&self, patience: Duration) -> Result<(), Difference> {
        let deadline = Instant::now() + patience;
        loop {
            let difference = Footprint::now().since(self);
            if difference.0.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(difference);
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasks, {} threads, {} descriptors",
            self.tasks,
            self.thread_count(),
            self.descriptor_count()
        )
    }
}

/// How two footprints differ, by kind; empty when they do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference(pub Vec<String>);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// By how many bytes a heap grows with each cycle: the slope of the line that fits best, so that neither the
/// first nor the last reading decides alone.
#[must_use]
pub fn growth(live: &[usize]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let points = || {
        live.iter()
            .enumerate()
            .map(|(at, bytes)| (at as f64, *bytes as f64))
    };
    let count: f64 = points().map(|_| 1.0).sum();
    let (sum_x, sum_y) = points().fold((0.0, 0.0), |(x, y), (at, bytes)| (x + at, y + bytes));
    let (mean_x, mean_y) = (sum_x / count, sum_y / count);
    let (over, under) = points().fold((0.0, 0.0), |(over, under), (at, bytes)| {
        let from_mean = at - mean_x;
        (
            over + from_mean * (bytes - mean_y),
            under + from_mean * from_mean,
        )
    });
    over / under
}

fn entries(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries
        .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_the_best_line() {
        assert!(growth(&[100, 100, 100]).abs() < 1e-9);
        assert!((growth(&[0, 128, 256, 384]) - 128.0).abs() < 1e-9);
        // One reading out of line does not make a trend.
        assert!(growth(&[100, 100, 164, 100, 100]).abs() < 1e-9);
    }

    #[test]
    fn a_difference_names_kinds() {
        let mut before = Footprint::default();
        before.threads.insert("main".into(), 1);
        let mut after = before.clone();
        after.tasks = 2;
        after.threads.clear();
        after.descriptors.insert("socket".into(), 1);
        assert_eq!(
            after.since(&before).to_string(),
            "2 more task, 1 fewer thread `main`, 1 more descriptor `socket`"
        );
    }
}
