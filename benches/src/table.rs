//! The table of a benchmark: for people, and as JSON.

use serde_json::json;
use std::path::Path;
use std::{fs, io, thread};

/// What a benchmark has measured.
#[derive(Clone, Debug)]
pub struct Table {
    /// The benchmark's name.
    pub bench: &'static str,
    /// What was measured: names and versions.
    pub versions: Vec<(&'static str, String)>,
    /// One a figure.
    pub rows: Vec<Row>,
}

/// One figure, beside that of a reference in the same run.
#[derive(Clone, Debug)]
pub struct Row {
    /// What ran.
    pub case: String,
    /// What was measured of it.
    pub metric: &'static str,
    /// In which unit.
    pub unit: &'static str,
    /// This bus.
    pub ours: f64,
    /// The reference, where it could be measured.
    pub reference: Option<f64>,
    /// What the reference is.
    pub reference_name: String,
}

impl Row {
    /// This bus against the reference, where there is one and it is not 0.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let reference = self.reference.filter(|reference| *reference != 0.0)?;
        Some(self.ours / reference)
    }
}

impl Table {
    /// Prints the table, and writes it to `target/bench/<bench>.json` of the workspace.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn show(&self) -> io::Result<()> {
        for (name, version) in &self.versions {
            println!("{name} {version}");
        }
        println!(
            "\n{:<28} {:<16} {:>12} {:>12} {:<8} {:>6}  reference",
            "case", "metric", "ours", "reference", "unit", "ratio"
        );
        for row in &self.rows {
            let number = |number: Option<f64>, digits| {
                number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
            };
            println!(
                "{:<28} {:<16} {:>12.3} {:>12} {:<8} {:>6}  {}",
                row.case,
                row.metric,
                row.ours,
                number(row.reference, 3),
                row.unit,
                number(row.ratio(), 2),
                row.reference_name
            );
        }
        self.write()
    }

    /// Writes the table to `target/bench/<bench>.json` of the workspace, and does not print it.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self) -> io::Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(format!("{}.json", self.bench)), self.json())
    }

    fn json(&self) -> String {
        let versions: serde_json::Map<_, _> = self
            .versions
            .iter()
            .map(|(name, version)| ((*name).to_owned(), json!(version)))
            .collect();
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "case": row.case,
                    "metric": row.metric,
                    "unit": row.unit,
                    "ours": row.ours,
                    "reference": row.reference,
                    "reference_name": row.reference_name,
                    "ratio": row.ratio(),
                })
            })
            .collect();
        let cores = thread::available_parallelism().map_or(0, std::num::NonZero::get);
        json!({"bench": self.bench, "cores": cores, "versions": versions, "rows": rows}).to_string()
    }
}
