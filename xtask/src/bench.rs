//! Runs a benchmark.

use crate::broker;
use crate::run::process;
use crate::suite;
use std::time::Duration;

/// A benchmark: a program of the package `benches`, `bench-<name>`, and its cargo feature.
struct Bench {
    name: &'static str,
    /// Programs that count, or time others, are not optimised: that takes minutes for a thousand handlers.
    profile: &'static str,
    needs_brokers: bool,
}

const BENCHES: [Bench; 4] = [
    Bench {
        name: "compile",
        profile: "dev",
        needs_brokers: false,
    },
    Bench {
        name: "footprint",
        profile: "dev",
        needs_brokers: true,
    },
    Bench {
        name: "kafka",
        profile: "release",
        needs_brokers: true,
    },
    Bench {
        name: "memory",
        profile: "release",
        needs_brokers: false,
    },
];

/// How long one may take, compiling included.
const LIMIT: Duration = Duration::from_hours(1);

/// Whether there is a benchmark with this name.
pub(crate) fn exists(name: &str) -> bool {
    BENCHES.iter().any(|bench| bench.name == name)
}

/// Runs the benchmark with this name and these arguments.
pub(crate) fn run(name: &str, arguments: &[String]) -> Result<(), String> {
    process::kill_at_signal().map_err(|error| error.to_string())?;
    let bench = BENCHES.iter().find(|bench| bench.name == name);
    let Bench {
        profile,
        needs_brokers,
        ..
    } = bench.ok_or_else(|| format!("there is no benchmark {name}"))?;
    let mut command = suite::cargo(&format!(
        "run --profile {profile} -p benches --features {name} --bin bench-{name}"
    ));
    command.arg("--").args(arguments);
    if *needs_brokers {
        command.envs(broker::provide()?);
    }
    process::run(&mut command, LIMIT, process::pass_on)
}
