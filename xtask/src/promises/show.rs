//! The promises, for people.

use super::list::PROMISES;
use super::mutant;
use super::promise::{Mutant, Promise};
use crate::suite::{Last, Outcome};
use std::fmt::Write;

/// Prints the promises of these names, or all; with `mutants`, runs theirs too. `Ok(true)` means that no test of them
/// failed in the last run, nor was kept from running by its suite's failure, and no mutant survived.
pub(crate) fn promises(names: &[String], mutants: bool) -> Result<bool, String> {
    let known = || PROMISES.iter().map(|promise| promise.name);
    if let Some(unknown) = names
        .iter()
        .find(|name| known().all(|known| known != **name))
    {
        let known: Vec<_> = known().collect();
        let known = known.join(", ");
        return Err(format!(
            "there is no promise \"{unknown}\"; the promises are {known}"
        ));
    }
    let chosen =
        |promise: &&Promise| names.is_empty() || names.iter().any(|name| name == promise.name);
    let last = Last::read()?;
    let mut green = true;
    for promise in PROMISES.iter().filter(chosen) {
        let (text, failed) = show(promise, &last);
        println!("{text}");
        green &= !failed;
    }
    if mutants {
        let mutants: Vec<&Mutant> = PROMISES
            .iter()
            .filter(chosen)
            .flat_map(|promise| promise.mutants)
            .collect();
        green &= mutant::run(&mutants)?;
    }
    Ok(green)
}

/// What is printed of a promise, and whether a test of it failed in the last run.
fn show(promise: &Promise, last: &Last) -> (String, bool) {
    let Promise {
        name,
        title,
        text,
        not_yet,
        tests,
        mutants,
    } = promise;
    let mut shown = format!("{name}  {title}\n     {text}\n");
    let mut failed = false;
    for (suite, tests) in *tests {
        for test in *tests {
            let outcomes = last.of(suite, test);
            let mut told: Vec<_> = outcomes
                .iter()
                .map(|(transport, outcome)| {
                    failed |= *outcome == Outcome::Failed;
                    format!("{transport}{outcome}")
                })
                .collect();
            if told.is_empty() {
                // One that does not compile, or crashes, has no result of its tests.
                let of_its_suite = last.failed(suite);
                failed |= of_its_suite;
                told.push(
                    if of_its_suite {
                        "not run, since its suite FAILED"
                    } else {
                        "not run"
                    }
                    .to_owned(),
                );
            }
            line(
                &mut shown,
                format_args!("     test    {suite}: {test}: {}", told.join(", ")),
            );
        }
    }
    for Mutant {
        does, suite, test, ..
    } in *mutants
    {
        line(
            &mut shown,
            format_args!("     mutant  {does}: {suite}: {test} must turn red"),
        );
    }
    if !promise.is_shown() {
        shown.push_str("     NOT YET\n");
    } else if !not_yet.is_empty() {
        line(&mut shown, format_args!("     NOT YET {not_yet}"));
    }
    (shown, failed)
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing into memory");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::root;
    use std::fs;
    use std::path::{Path, PathBuf};

    fn mutants() -> impl Iterator<Item = &'static Mutant> {
        PROMISES.iter().flat_map(|promise| promise.mutants)
    }

    /// All that a suite's tests are written in.
    fn source(suite: &str) -> String {
        let root = root();
        let places: Vec<PathBuf> = match suite {
            "unit" => vec![root.join("bus-runtime/src"), root.join("bus-macros/src")],
            suite => ["tests/tests", "tests"]
                .iter()
                .flat_map(|folder| {
                    [
                        root.join(folder).join(suite),
                        root.join(folder).join(format!("{suite}.rs")),
                    ]
                })
                .filter(|place| place.exists())
                .collect(),
        };
        let mut text = String::new();
        for place in places {
            read(&place, &mut text);
        }
        text
    }

    fn read(place: &Path, text: &mut String) {
        if place.is_dir() {
            for entry in fs::read_dir(place).expect("the folder can be read") {
                read(&entry.expect("the folder can be read").path(), text);
            }
        } else if place.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(place).expect("it is text"));
        }
    }

    /// Whether this is a whole word of the text.
    fn has_word(text: &str, word: &str) -> bool {
        text.split(|char: char| !char.is_alphanumeric() && char != '_')
            .any(|part| part == word)
    }

    #[test]
    fn what_a_mutant_replaces_is_there_once() {
        for Mutant { file, old, new, .. } in mutants() {
            let text = fs::read_to_string(root().join(file)).expect(file);
            assert_eq!(text.matches(old).count(), 1, "{file}: {old}");
            assert_ne!(old, new, "{file}");
        }
    }

    #[test]
    fn each_test_exists() {
        for promise in &PROMISES {
            for (suite, tests) in promise.tests {
                let source = source(suite);
                for test in *tests {
                    assert!(
                        has_word(&source, test),
                        "{}: the suite {suite} has no test {test}",
                        promise.name
                    );
                }
            }
        }
    }

    #[test]
    fn the_test_of_a_mutant_is_where_its_path_says() {
        for mutant in mutants() {
            let Mutant { suite, test, .. } = mutant;
            if *suite == "ui" {
                let folders = ["ui", "pass", "looks_wrong"];
                let mut programs = folders
                    .map(|folder| root().join("tests").join(folder).join(test))
                    .into_iter();
                assert!(
                    programs.any(|program| program.exists()),
                    "there is no program {test}"
                );
                continue;
            }
            let mut modules: Vec<_> = test.split("::").collect();
            let name = modules.pop().unwrap_or_default();
            // Mutants are tested in memory, and such a test is in a module of that name.
            assert!(
                *suite == "unit" || modules.contains(&"memory"),
                "{suite}: {test}"
            );
            let crate_root = match *suite {
                "unit" => root().join(mutant.package()).join("src"),
                suite => root().join("tests/tests").join(suite),
            };
            // The file of the innermost module that has one of its own, else that of the crate.
            let of_modules = (1..=modules.len()).rev().flat_map(|count| {
                let module = crate_root.join(modules[..count].join("/"));
                [module.with_extension("rs"), module.join("mod.rs")]
            });
            let of_crate = [crate_root.join("main.rs"), crate_root.with_extension("rs")];
            let file = of_modules.chain(of_crate).find(|file| file.exists());
            let file = file.unwrap_or_else(|| panic!("{suite}: {test} is in no file"));
            let text = fs::read_to_string(&file).expect("it is text");
            assert!(
                has_word(&text, name),
                "{} has no test {name}",
                file.display()
            );
        }
    }

    #[test]
    fn a_mutant_turns_a_test_of_its_own_promise_red() {
        for promise in &PROMISES {
            for Mutant { suite, test, .. } in promise.mutants {
                let name = test.rsplit("::").next().unwrap_or(test);
                let named = promise
                    .tests
                    .iter()
                    .any(|(of, tests)| of == suite && (*suite == "ui" || tests.contains(&name)));
                assert!(
                    named,
                    "{}: {suite} {test} is none of its tests",
                    promise.name
                );
            }
        }
    }

    #[test]
    fn the_readme_promises_what_is_shown() {
        let readme = fs::read_to_string(root().join("README.md")).expect("there is a README");
        let (_, promised) = readme
            .split_once("\n## Promised today\n")
            .expect("it promises");
        let promised = promised.split("\n## ").next().unwrap_or(promised);
        let titles: Vec<_> = promised
            .lines()
            .filter_map(|line| line.strip_prefix("- **")?.split("**").next())
            .collect();
        assert!(titles.len() > 4, "it lists promises: {titles:?}");
        for title in titles {
            let promise = PROMISES
                .iter()
                .find(|promise| promise.title.starts_with(title));
            let promise = promise.unwrap_or_else(|| panic!("\"{title}\" is none of the promises"));
            assert!(
                promise.is_shown(),
                "{} \"{title}\" is not shown yet",
                promise.name
            );
        }
    }

    #[test]
    fn a_promise_without_a_test_is_not_yet() {
        let promise = Promise {
            name: "P0",
            title: "Peace",
            text: "All is well.",
            not_yet: "",
            tests: &[],
            mutants: &[],
        };
        let (text, failed) = show(&promise, &Last::default());
        assert_eq!(text, "P0  Peace\n     All is well.\n     NOT YET\n");
        assert!(!failed);
    }

    #[test]
    fn a_test_is_shown_with_its_last_result_on_each_transport() {
        let (text, failed) = show_tests(
            &[("order", &["keys"])],
            r#"{"order": [["a::memory::keys", "passed"], ["a::nats::keys", "failed"], ["b::other", "passed"]]}"#,
        );
        let both = "order: keys: memory passed, nats FAILED\n";
        assert!(text.contains(both), "{text}");
        assert!(failed);
    }

    #[test]
    fn a_test_that_did_not_run_is_red_when_its_suite_is() {
        let last = r#"{"order": [["a::keys", "passed"]], "unit": [["unit", "failed"]]}"#;
        let (text, failed) = show_tests(&[("order", &["clocks"])], last);
        assert!(text.contains("order: clocks: not run\n"), "{text}");
        assert!(!failed);
        let (text, failed) = show_tests(&[("unit", &["clocks"])], last);
        let red = "unit: clocks: not run, since its suite FAILED\n";
        assert!(text.contains(red), "{text}");
        assert!(failed);
    }

    fn show_tests(
        tests: &'static [(&'static str, &'static [&'static str])],
        last: &str,
    ) -> (String, bool) {
        let promise = Promise {
            name: "P0",
            title: "Peace",
            text: "All is well.",
            not_yet: "",
            tests,
            mutants: &[],
        };
        show(&promise, &Last::from_json(last).expect("it is JSON"))
    }
}
