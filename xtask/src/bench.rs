//! Runs a benchmark.

use crate::broker;
use crate::run::process;
use crate::suite;
use std::time::Duration;

/// The benchmarks: each is a program of the package `benches`, `bench-<name>`, and its cargo feature.
pub(crate) const NAMES: [&str; 1] = ["kafka"];

/// How long one may take, compiling included.
const LIMIT: Duration = Duration::from_mins(30);

/// Runs the benchmark with this name.
pub(crate) fn run(name: &str) -> Result<(), String> {
    process::kill_at_signal().map_err(|error| error.to_string())?;
    let mut command = suite::cargo(&format!(
        "run --release -p benches --features {name} --bin bench-{name}"
    ));
    command.envs(broker::provide()?);
    process::run(&mut command, LIMIT, process::pass_on)
}
