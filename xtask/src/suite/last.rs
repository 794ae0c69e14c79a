//! The result of the last run of each suite.

use super::table::{Report, TRANSPORTS, transport};
use super::workspace::root;
use crate::run::libtest::Verdict;
use serde_json::{Value, json};
use std::fmt;
use std::fs;
use std::io;
use std::path::PathBuf;

/// How the tests of each suite ended when it was last run, from `target/test/last.json`: an object with the suites, each
/// an array of tests with their outcomes. A run of some suites leaves the others as they were.
#[derive(Debug, Default)]
pub(crate) struct Last(Value);

/// How a test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Skipped,
}

impl Outcome {
    const ALL: [(Outcome, &str); 3] = [
        (Outcome::Passed, "passed"),
        (Outcome::Failed, "failed"),
        (Outcome::Skipped, "skipped"),
    ];

    fn name(self) -> &'static str {
        let found = Outcome::ALL.iter().find(|(outcome, _)| *outcome == self);
        found.map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Failed => "FAILED",
            other => other.name(),
        })
    }
}

impl Last {
    /// What the last runs have written; nothing, when there was none.
    pub(crate) fn read() -> Result<Self, String> {
        match fs::read_to_string(path()) {
            Ok(text) => Last::from_json(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Last::default()),
            Err(error) => Err(format!("{}: {error}", path().display())),
        }
    }

    /// Reads what [`keep`](Last::keep) has written.
    pub(crate) fn from_json(text: &str) -> Result<Self, String> {
        let value = serde_json::from_str(text);
        Ok(Last(value.map_err(|error| {
            format!("{}: {error}", path().display())
        })?))
    }

    /// Replaces the results of the suites that ran, and writes all.
    pub(super) fn keep(mut self, reports: &[Report]) -> Result<(), String> {
        self.add(reports);
        let written = path().parent().map_or(Ok(()), fs::create_dir_all);
        let written = written.and_then(|()| fs::write(path(), self.0.to_string()));
        written.map_err(|error| format!("{}: {error}", path().display()))
    }

    fn add(&mut self, reports: &[Report]) {
        if !self.0.is_object() {
            self.0 = json!({});
        }
        for report in reports {
            let tests = report.tests.iter().map(|test| {
                let outcome = match test.verdict {
                    Verdict::Passed => Outcome::Passed,
                    Verdict::Failed(_) => Outcome::Failed,
                    Verdict::Skipped => Outcome::Skipped,
                };
                json!([test.name, outcome.name()])
            });
            self.0[&report.suite] = tests.collect();
        }
    }

    /// Whether something of this suite failed: it does not compile, a program of it crashed, or a test is red.
    pub(crate) fn failed(&self, suite: &str) -> bool {
        let mut tests = self.0[suite].as_array().into_iter().flatten();
        tests.any(|test| test[1] == Outcome::Failed.name())
    }

    /// How the tests of this name ended, each with its transport and a space, where it runs on one.
    pub(crate) fn of(&self, suite: &str, name: &str) -> Vec<(String, Outcome)> {
        let tests = self.0[suite].as_array().into_iter().flatten();
        tests
            .filter_map(|test| {
                let (path, outcome) = (test[0].as_str()?, test[1].as_str()?);
                let (outcome, _) = Outcome::ALL.iter().find(|(_, name)| *name == outcome)?;
                let transport =
                    transport(path).map_or(String::new(), |at| format!("{} ", TRANSPORTS[at]));
                (path.rsplit("::").next() == Some(name)).then_some((transport, *outcome))
            })
            .collect()
    }
}

fn path() -> PathBuf {
    root().join("target/test/last.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::libtest::Tested;
    use std::time::Duration;

    fn report(suite: &str, tests: &[(&str, Verdict)]) -> Report {
        let tests = tests
            .iter()
            .map(|(name, verdict)| Tested::new(name, verdict.clone()));
        Report {
            suite: suite.to_owned(),
            tests: tests.collect(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_suite_that_ran_replaces_its_results_alone() {
        let mut last = Last::default();
        last.add(&[
            report(
                "order",
                &[
                    ("memory::keys", Verdict::Passed),
                    ("nats::keys", Verdict::Failed(None)),
                ],
            ),
            report("fmt", &[("fmt", Verdict::Passed)]),
        ]);
        last.add(&[report("order", &[("memory::keys", Verdict::Skipped)])]);
        let mut read = Last::from_json(&last.0.to_string()).expect("it is JSON");
        assert_eq!(
            read.of("order", "keys"),
            [("memory ".to_owned(), Outcome::Skipped)]
        );
        assert_eq!(read.of("fmt", "fmt"), [(String::new(), Outcome::Passed)]);
        assert_eq!(read.of("fmt", "keys"), []);
        assert!(!read.failed("order") && !read.failed("unit"));
        read.add(&[report("unit", &[("unit", Verdict::Failed(None))])]);
        assert_eq!(read.of("unit", "keys"), []);
        assert!(read.failed("unit") && !read.failed("fmt"));
    }
}
