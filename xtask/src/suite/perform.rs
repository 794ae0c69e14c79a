//! Runs the suites and tells the result.

use super::last::Last;
use super::list::{Suite, Work, suites};
use super::table::{self, Count, Report};
use super::workspace::Workspace;
use crate::broker::{self, Variables};
use crate::run::libtest::{Output, Tested, Verdict};
use crate::run::process;
use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long one command of a suite may take, compiling included.
const LIMIT: Duration = Duration::from_mins(20);

/// Runs all suites, or those that are named, prints the table and keeps the results for `cargo xtask promises`.
/// `Ok(true)` means that every test ran and passed; an error that nothing ran, or that the results could not be told.
pub(crate) fn test(only: &[String]) -> Result<bool, String> {
    process::kill_at_signal().map_err(|error| error.to_string())?;
    let workspace = Workspace::read()?;
    let suites = chosen(suites(&workspace), only)?;

    let mut brokers = None;
    let mut reports = Vec::new();
    for mut suite in suites {
        eprintln!("\n=== {}", suite.name);
        let begun = Instant::now();
        let tests = match set_brokers(&mut suite, &mut brokers) {
            Ok(()) => perform(&mut suite, &workspace),
            Err(error) => vec![failed(&suite.name, error)],
        };
        reports.push(Report {
            suite: suite.name,
            tests,
            took: begun.elapsed(),
        });
    }
    let mut output = io::stdout().lock();
    table::print(&mut output, &reports)
        .and_then(|()| output.flush())
        .map_err(|error| format!("the table cannot be printed: {error}"))?;
    // Behind the table: a file that cannot be read does not cost what has just been found.
    Last::read()?.keep(&reports)?;
    Ok(Count::of(reports.iter().flat_map(|report| &report.tests)).is_green())
}

fn chosen(mut suites: Vec<Suite>, only: &[String]) -> Result<Vec<Suite>, String> {
    let names: Vec<_> = suites.iter().map(|suite| suite.name.clone()).collect();
    if let Some(unknown) = only.iter().find(|name| !names.contains(name)) {
        return Err(format!(
            "there is no suite \"{unknown}\"; the suites are {}",
            names.join(", ")
        ));
    }
    if !only.is_empty() {
        suites.retain(|suite| only.contains(&suite.name));
    }
    Ok(suites)
}

/// Tells the suite where the brokers are; the first that needs them looks for them.
fn set_brokers(
    suite: &mut Suite,
    brokers: &mut Option<Result<Variables, String>>,
) -> Result<(), String> {
    if !suite.needs_brokers {
        return Ok(());
    }
    let variables = brokers.get_or_insert_with(broker::provide).clone()?;
    match &mut suite.work {
        Work::Commands(tests) => {
            for command in tests.iter_mut().flat_map(|(_, commands)| commands) {
                command.envs(variables.iter().cloned());
            }
        }
        Work::Cargo(command) => {
            command.envs(variables.iter().cloned());
        }
        Work::Check(_) => {}
    }
    Ok(())
}

fn perform(suite: &mut Suite, workspace: &Workspace) -> Vec<Tested> {
    let tested = |name: &str, result: Result<(), String>| match result {
        Ok(()) => Tested::new(name, Verdict::Passed),
        Err(reason) => failed(name, reason),
    };
    match &mut suite.work {
        Work::Check(check) => {
            vec![tested(&suite.name, check(workspace))]
        }
        Work::Commands(tests) => tests
            .iter_mut()
            .map(|(name, commands)| {
                let mut each = commands.iter_mut();
                let result =
                    each.try_for_each(|command| process::run(command, LIMIT, process::pass_on));
                tested(name, result)
            })
            .collect(),
        Work::Cargo(command) => cargo_test(&suite.name, command, process::pass_on),
    }
}

/// Runs what is a `cargo test`, and tells how each of its tests ended; a command that fails in another way, or that has
/// no test, is a failed test with the suite's name.
pub(crate) fn cargo_test(suite: &str, command: &mut Command, show: fn(&[u8])) -> Vec<Tested> {
    let output = Arc::new(Mutex::new(Output::default()));
    let reading = output.clone();
    let result = process::run(command, LIMIT, move |bytes| {
        let mut output = reading.lock().unwrap_or_else(PoisonError::into_inner);
        output.read(bytes);
        show(bytes);
    });
    // Taken, not unwrapped: a process that was left behind may still hold the other one.
    let output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    let mut tests = output.end();
    match result {
        // What failed or crashed is named already; else the reason is the command's: it does not compile,
        // it takes too long.
        Err(reason) if Count::of(&tests).failed == 0 || reason.contains("was killed") => {
            tests.push(failed(suite, reason));
        }
        Ok(()) if tests.is_empty() => {
            tests.push(failed(suite, "it has no test".to_owned()));
        }
        Ok(()) | Err(_) => {}
    }
    tests
}

fn failed(name: &str, reason: String) -> Tested {
    eprintln!("{name}: {reason}");
    Tested::new(name, Verdict::Failed(Some(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(name: &str) -> Suite {
        Suite {
            name: name.to_owned(),
            work: Work::Check(|_| Ok(())),
            needs_brokers: false,
        }
    }

    fn names(only: &[&str]) -> Result<Vec<String>, String> {
        let only: Vec<_> = only.iter().map(|&name| name.to_owned()).collect();
        let chosen = chosen(vec![suite("fmt"), suite("unit"), suite("order")], &only)?;
        Ok(chosen.into_iter().map(|suite| suite.name).collect())
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn suites_are_chosen_by_their_whole_name_in_the_order_of_the_list() {
        let all = Ok(vec!["fmt".into(), "unit".into(), "order".into()]);
        assert_eq!(names(&[]), all);
        assert_eq!(
            names(&["order", "fmt"]),
            Ok(vec!["fmt".into(), "order".into()])
        );
        let error = names(&["ord"]).expect_err("a part of a name is no name");
        assert!(
            error.contains("\"ord\"") && error.contains("fmt, unit, order"),
            "{error}"
        );
    }

    #[test]
    fn a_command_that_runs_no_test_program_is_a_failure() {
        for (script, reason) in [("exit 101", "exit status: 101"), ("true", "it has no test")] {
            let tests = cargo_test("unit", &mut shell(script), |_| ());
            let [test] = tests.as_slice() else {
                panic!("{tests:?}")
            };
            assert_eq!(test.name, "unit");
            let Verdict::Failed(Some(told)) = &test.verdict else {
                panic!("{tests:?}")
            };
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn a_program_that_fails_after_its_tests_is_a_failure() {
        let script = "echo 'running 1 test'; echo 'test a ... ok'; \
                      echo 'test result: ok. 1 passed; 0 failed; 0 ignored;'; exit 1";
        let tests = cargo_test("unit", &mut shell(script), |_| ());
        assert_eq!(Count::of(&tests).passed, 1);
        assert_eq!(Count::of(&tests).failed, 1);
    }
}
