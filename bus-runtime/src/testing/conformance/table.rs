//! What became of every part.

use super::{Broken, Part, Verdict};
use std::fmt;
use std::time::Duration;

/// What became of every part. Its `Display` is for people: a line for each part, and a sum.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "it says whether the transport keeps the bus's promises"]
pub struct Table {
    /// The parts, in their order.
    pub rows: Vec<Row>,
}

/// What became of one part.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// The part.
    pub part: &'static Part,
    /// How it ended.
    pub verdict: Result<Verdict, Broken>,
    /// How long it took.
    pub took: Duration,
}

impl Table {
    /// Whether the transport keeps everything that it declares, and what each transport has to keep.
    pub fn is_kept(&self) -> bool {
        self.rows.iter().all(|row| row.verdict.is_ok())
    }

    /// What is broken.
    pub fn broken(&self) -> impl Iterator<Item = &Broken> {
        self.rows
            .iter()
            .filter_map(|row| row.verdict.as_ref().err())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = [0; 3];
        for row in &self.rows {
            let (at, verdict) = match &row.verdict {
                Ok(Verdict::Kept) => (0, "kept".to_owned()),
                Ok(Verdict::NotDeclared(needs)) => (1, format!("not declared: {needs}")),
                Err(broken) => (2, format!("BROKEN: {}", broken.what)),
            };
            counts[at] += 1;
            let (name, took) = (row.part.name, row.took.as_secs_f64());
            writeln!(f, "{name:55} {took:6.1} s  {verdict}")?;
        }
        let [kept, not_declared, broken] = counts;
        write!(
            f,
            "{kept} kept, {not_declared} not declared, {broken} broken"
        )
    }
}
