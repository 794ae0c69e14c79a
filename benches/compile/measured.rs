//! What compiling took.

use crate::cargo::{again, cargo};
use crate::sort::Sort;
use benches::Row;
use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

/// How often each crate is checked, and how often built.
const CHECKS: usize = 5;
const BUILDS: usize = 3;

/// A figure for each crate that was measured.
type Figures = BTreeMap<(Sort, usize), f64>;

/// The medians: seconds of CPU time, and bytes.
pub(crate) struct Measured {
    checks: Figures,
    builds: Figures,
    sizes: Figures,
}

impl Measured {
    /// Compiles crates with so many handlers.
    pub(crate) fn take(handlers: &[usize], workspace: &Path, folder: &Path) -> io::Result<Self> {
        let target = workspace.join("target/bench/compile");
        let of = |sort: Sort, handlers| folder.join(sort.package(handlers));
        let sorts = [Sort::Bus, Sort::Attribute, Sort::Plain, Sort::Table];
        for handlers in handlers {
            for sort in sorts {
                sort.write(*handlers, &of(sort, *handlers), workspace)?;
            }
        }
        // What they depend on.
        for what in ["check", "build"] {
            cargo(&[what], &of(Sort::Plain, handlers[0]), &target)?;
        }

        let median = |what: &str, sorts: &[Sort], rounds: usize| -> io::Result<Figures> {
            let mut all: BTreeMap<_, Vec<f64>> = BTreeMap::new();
            for round in 1..=rounds {
                for handlers in handlers {
                    for sort in sorts {
                        let took = again(&[what], &of(*sort, *handlers), &target)?;
                        eprintln!(
                            "{what} {}, {round} of {rounds}: {took:.2} s",
                            sort.package(*handlers)
                        );
                        all.entry((*sort, *handlers)).or_default().push(took);
                    }
                }
            }
            let middle = |mut figures: Vec<f64>| {
                figures.sort_by(f64::total_cmp);
                figures[figures.len() / 2]
            };
            Ok(all
                .into_iter()
                .map(|(which, figures)| (which, middle(figures)))
                .collect())
        };
        let checks = median("check", &sorts[..3], CHECKS)?;
        let builds = median("build", &[Sort::Bus, Sort::Table], BUILDS)?;
        let mut sizes = Figures::new();
        for (sort, handlers) in builds.keys() {
            let program = target.join("debug").join(sort.package(*handlers));
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            sizes.insert((*sort, *handlers), fs::metadata(program)?.len() as f64);
        }
        Ok(Measured {
            checks,
            builds,
            sizes,
        })
    }

    /// The rows: what each number of handlers takes in all, what each handler adds, and whether that grows.
    pub(crate) fn rows(&self, handlers: &[usize]) -> Vec<Row> {
        let mut rows = Vec::new();
        for metric in METRICS {
            let figures = (metric.figures)(self);
            let each = |sort: Sort, many: usize| metric.each(self, sort, handlers[0], many);
            let mut row = |handlers: usize, metric, unit, ours, reference, reference_name: &str| {
                rows.push(Row {
                    case: format!("{handlers} handlers"),
                    metric,
                    unit,
                    ours,
                    reference: Some(reference),
                    reference_name: reference_name.to_owned(),
                });
            };
            for (sort, name) in metric.references {
                for &many in handlers {
                    let (ours, reference) = (figures[&(Sort::Bus, many)], figures[&(*sort, many)]);
                    row(many, metric.in_all, metric.unit, ours, reference, name);
                }
                for &many in &handlers[1..] {
                    let (ours, reference) = (each(Sort::Bus, many), each(*sort, many));
                    let (of_each, unit) = (metric.of_each, metric.unit_of_each);
                    row(many, of_each, unit, ours, reference, name);
                }
            }
            for several in handlers.windows(2).skip(1) {
                let [few, many] = [several[0], several[1]];
                let name = format!("this bus with {few} handlers");
                let (ours, reference) = (each(Sort::Bus, many), each(Sort::Bus, few));
                let (of_each, unit) = (metric.of_each, metric.unit_of_each);
                row(many, of_each, unit, ours, reference, &name);
            }
        }
        rows
    }

    /// Whether it is linear to the most handlers, in words; nothing where there are not three numbers of handlers.
    pub(crate) fn growth(&self, handlers: &[usize]) -> Vec<String> {
        let [fewest, .., few, many] = *handlers else {
            return Vec::new();
        };
        METRICS
            .iter()
            .map(|metric| {
                let each = |many: usize| metric.each(self, Sort::Bus, fewest, many);
                let ratio = each(many) / each(few);
                let verdict = if ratio <= LINEAR { "linear" } else { "NOT LINEAR" };
                format!(
                    "{}: {verdict}: each of {many} handlers adds {ratio:.2} times what each of {few} does",
                    metric.in_all
                )
            })
            .collect()
    }
}

/// What each handler may add, beside what each of fewer adds: of thrice as many a cost that grows with the square adds
/// thrice as much. The rest is room for what the machine does besides.
const LINEAR: f64 = 1.2;

/// What is measured of a crate.
struct Metric {
    figures: fn(&Measured) -> &Figures,
    references: &'static [(Sort, &'static str)],
    in_all: &'static str,
    unit: &'static str,
    of_each: &'static str,
    unit_of_each: &'static str,
    scale: f64,
}

impl Metric {
    /// What each handler adds, from the fewest handlers to these: without what a crate takes that has none.
    fn each(&self, measured: &Measured, sort: Sort, fewest: usize, many: usize) -> f64 {
        let figures = (self.figures)(measured);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let more = (many - fewest) as f64;
        (figures[&(sort, many)] - figures[&(sort, fewest)]) / more * self.scale
    }
}

const METRICS: [Metric; 3] = [
    Metric {
        figures: |measured| &measured.checks,
        references: &[
            (Sort::Attribute, "attribute without a bus"),
            (Sort::Plain, "plain functions"),
        ],
        in_all: "check",
        unit: "s CPU",
        of_each: "check/handler",
        unit_of_each: "ms CPU",
        scale: 1000.0,
    },
    Metric {
        figures: |measured| &measured.builds,
        references: &[(Sort::Table, TABLE)],
        in_all: "build",
        unit: "s CPU",
        of_each: "build/handler",
        unit_of_each: "ms CPU",
        scale: 1000.0,
    },
    Metric {
        figures: |measured| &measured.sizes,
        references: &[(Sort::Table, TABLE)],
        in_all: "program",
        unit: "bytes",
        of_each: "program/handler",
        unit_of_each: "bytes",
        scale: 1.0,
    },
];

const TABLE: &str = "plain functions, called through a table";
