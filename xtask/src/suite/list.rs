//! The suites, in the order in which they run.

use super::checks;
use super::workspace::{Workspace, cargo};
use std::process::Command;

/// The package whose integration tests are a suite each.
const TESTS: &str = "tests";

/// The package of the examples.
const EXAMPLES: &str = "examples";

/// The examples that run to their end by themselves, each with the transport that it uses.
const RUN_EXAMPLES: &[(&str, &str)] = &[
    ("quickstart", "memory"),
    ("failures", "memory"),
    ("several_crates", "memory"),
    ("state", "memory"),
    ("testing", "memory"),
];

/// The examples that have tests, which are a suite each, with what cargo is told to run them.
const TESTED_EXAMPLES: &[(&str, &str)] = &[
    ("shop-over-http", "-p shop-over-http --all-targets"),
    ("testing", "-p examples --example testing"),
];

/// Some tests under one name.
pub(super) struct Suite {
    pub(super) name: String,
    pub(super) work: Work,
    /// Whether the variables that say where the brokers are are set for it.
    pub(super) needs_brokers: bool,
}

/// How the tests of a suite are run.
pub(super) enum Work {
    /// Each is a test, by its full name, and passes when all its commands do.
    Commands(Vec<(String, Vec<Command>)>),
    /// One test, which is a function.
    Check(fn(&Workspace) -> Result<(), String>),
    /// What `cargo test` runs.
    Cargo(Command),
}

impl Suite {
    fn new(name: &str, work: Work) -> Self {
        Self {
            name: name.to_owned(),
            work,
            needs_brokers: false,
        }
    }

    fn commands(name: &str, commands: Vec<Command>) -> Self {
        Self::new(name, Work::Commands(vec![(name.to_owned(), commands)]))
    }
}

pub(super) fn suites(workspace: &Workspace) -> Vec<Suite> {
    let clippy = |features: &str| {
        cargo(&format!(
            "clippy --workspace --all-targets {features} -- -D warnings"
        ))
    };
    let mut docs = cargo("doc --workspace --no-deps --all-features");
    docs.env("RUSTDOCFLAGS", "-D warnings");

    let mut suites = vec![
        Suite::commands("fmt", vec![cargo("fmt --all --check")]),
        Suite::commands("clippy", vec![clippy(""), clippy("--all-features")]),
        Suite::commands("docs", vec![docs]),
        Suite::new("msrv", Work::Check(checks::msrv)),
        Suite::new("no-c", Work::Check(checks::no_c)),
        Suite::new(
            "unit",
            Work::Cargo(cargo(
                "test --workspace --lib --all-features --no-fail-fast",
            )),
        ),
        Suite::new(
            "doc",
            Work::Cargo(cargo(
                "test --workspace --doc --all-features --no-fail-fast",
            )),
        ),
    ];
    for target in workspace.targets(TESTS, "test") {
        let tests = cargo(&format!("test -p {TESTS} --all-features --test {target}"));
        let mut suite = Suite::new(&target, Work::Cargo(tests));
        suite.needs_brokers = true;
        suites.push(suite);
    }
    suites.push(Suite::new("examples", examples()));
    for (example, which) in TESTED_EXAMPLES {
        let tests = cargo(&format!("test {which} --no-fail-fast"));
        suites.push(Suite::new(example, Work::Cargo(tests)));
    }
    suites
}

fn examples() -> Work {
    let build = cargo(&format!("build -p {EXAMPLES} --examples"));
    let mut tests = vec![("build".to_owned(), vec![build])];
    for (example, transport) in RUN_EXAMPLES {
        let run = cargo(&format!("run -p {EXAMPLES} --example {example}"));
        tests.push((format!("{transport}::{example}"), vec![run]));
    }
    Work::Commands(tests)
}
