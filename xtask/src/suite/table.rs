//! The result, for a person to read.

use crate::run::libtest::{Tested, Verdict};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

/// The transports that tests run on, as they stand in a test's path.
pub(super) const TRANSPORTS: &[&str] = &["memory", "nats", "kafka"];

/// What a suite has done.
pub(super) struct Report {
    pub(super) suite: String,
    pub(super) tests: Vec<Tested>,
    pub(super) took: Duration,
}

/// How many tests ended in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) skipped: usize,
}

impl Count {
    pub(super) fn of<'a>(tests: impl IntoIterator<Item = &'a Tested>) -> Self {
        let mut count = Self::default();
        for test in tests {
            match test.verdict {
                Verdict::Passed => count.passed += 1,
                Verdict::Failed(_) => count.failed += 1,
                Verdict::Skipped => count.skipped += 1,
            }
        }
        count
    }

    /// A skipped test has shown nothing, and no test at all neither.
    pub(super) fn is_green(self) -> bool {
        self.passed > 0 && self.failed == 0 && self.skipped == 0
    }
}

/// Prints a row for each suite and transport, what failed and what was skipped, and the sum.
pub(super) fn print(to: &mut impl Write, reports: &[Report]) -> io::Result<()> {
    let longest = reports.iter().map(|report| report.suite.len()).max();
    let width = longest.unwrap_or(0).max("suite".len());
    writeln!(
        to,
        "\n{:width$}  {:9}  {:>8}  {:>6}  {:>7}  {:>7}",
        "suite", "transport", "executed", "failed", "skipped", "seconds"
    )?;
    for report in reports {
        let mut rows: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for test in &report.tests {
            rows.entry(transport(&test.name)).or_default().push(test);
        }
        let mut took = format!("{:.1}", report.took.as_secs_f64());
        for (transport, tests) in rows {
            let count = Count::of(tests);
            let transport = transport.map_or("-", |index| TRANSPORTS[index]);
            writeln!(
                to,
                "{:width$}  {transport:9}  {:8}  {:6}  {:7}  {took:>7}",
                report.suite,
                count.passed + count.failed,
                count.failed,
                count.skipped,
            )?;
            // The time is the suite's, not the row's.
            took.clear();
        }
    }

    list(to, "failed", reports, |verdict| {
        matches!(verdict, Verdict::Failed(_))
    })?;
    list(to, "skipped, which is not green", reports, |verdict| {
        *verdict == Verdict::Skipped
    })?;
    let all = Count::of(reports.iter().flat_map(|report| &report.tests));
    writeln!(
        to,
        "\n{} passed, {} failed, {} skipped",
        all.passed, all.failed, all.skipped
    )
}

fn list(
    to: &mut impl Write,
    title: &str,
    reports: &[Report],
    wanted: impl Fn(&Verdict) -> bool,
) -> io::Result<()> {
    let mut title = Some(title);
    for report in reports {
        for test in report.tests.iter().filter(|test| wanted(&test.verdict)) {
            if let Some(title) = title.take() {
                writeln!(to, "\n{title}:")?;
            }
            write!(to, "  {}  {}", report.suite, test.name)?;
            match &test.verdict {
                Verdict::Failed(Some(reason)) => writeln!(to, ": {reason}")?,
                _ => writeln!(to)?,
            }
        }
    }
    Ok(())
}

/// The place in [`TRANSPORTS`] of the one that is a segment of the test's path. An example in the documentation
/// stands in a path too, but most speak to no broker.
pub(super) fn transport(name: &str) -> Option<usize> {
    if name.contains("(line ") {
        return None;
    }
    name.split("::")
        .find_map(|segment| TRANSPORTS.iter().position(|known| *known == segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transport_is_a_whole_segment_of_the_path() {
        assert_eq!(transport("order::memory::keys"), Some(0));
        assert_eq!(transport("nats::keys"), Some(1));
        assert_eq!(transport("order::kafka"), Some(2));
        assert_eq!(transport("src/nats.rs - nats::Nats (line 3)"), None);
        assert_eq!(transport("order::nats_and_more::keys"), None);
        assert_eq!(transport("keys"), None);
    }

    #[test]
    fn the_table_names_what_failed_and_what_was_skipped() {
        let failed = |reason: &str| Verdict::Failed(Some(reason.to_owned()));
        let reports = [
            Report {
                suite: "fmt".into(),
                tests: vec![Tested::new("fmt", Verdict::Passed)],
                took: Duration::from_millis(1250),
            },
            Report {
                suite: "order".into(),
                tests: vec![
                    Tested::new("nats::keys", Verdict::Failed(None)),
                    Tested::new("memory::keys", Verdict::Passed),
                    Tested::new("nats::retry", Verdict::Skipped),
                    Tested::new("order", failed("it took too long")),
                ],
                took: Duration::from_secs(100),
            },
        ];
        let mut text = Vec::new();
        print(&mut text, &reports).expect("writing into memory");
        assert_eq!(
            String::from_utf8(text).expect("it is text"),
            "
suite  transport  executed  failed  skipped  seconds
fmt    -                 1       0        0      1.2
order  -                 1       1        0    100.0
order  memory            1       0        0         
order  nats              1       1        1         

failed:
  order  nats::keys
  order  order: it took too long

skipped, which is not green:
  order  nats::retry

2 passed, 2 failed, 1 skipped
"
        );
    }

    #[test]
    fn only_tests_that_ran_and_passed_are_green() {
        let count = |passed, failed, skipped| Count {
            passed,
            failed,
            skipped,
        };
        assert!(count(1, 0, 0).is_green());
        assert!(!count(1, 1, 0).is_green());
        assert!(!count(1, 0, 1).is_green());
        assert!(!count(0, 0, 0).is_green());
    }
}
