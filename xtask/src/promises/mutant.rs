//! Mutants of the product, in a copy of the workspace.

use super::promise::Mutant;
use crate::run::libtest::{Tested, Verdict};
use crate::run::process;
use crate::suite::{cargo, cargo_test, root};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

/// Whether the test of each mutant turns red; a line is printed for each as it is known. `false` when one survived.
///
/// The tests run on the memory transport, without cargo features: that is compiled soon.
pub(super) fn run(mutants: &[&Mutant]) -> Result<bool, String> {
    process::kill_at_signal().map_err(|error| error.to_string())?;
    let copy = Copy::make().map_err(|error| format!("the workspace cannot be copied: {error}"))?;
    // First all without a mistake, which is compiled once.
    let healthy: Vec<_> = mutants.iter().map(|mutant| copy.test(mutant)).collect();
    let mut all_red = true;
    for (mutant, healthy) in mutants.iter().zip(healthy) {
        let found = match healthy {
            Ok(Found::Green) => copy.mutated(mutant),
            Ok(Found::Red(reason)) => Err(format!("it is red without the mistake: {reason}")),
            Err(error) => Err(error),
        };
        all_red &= matches!(found, Ok(Found::Red(_)));
        let told = match found {
            Ok(Found::Red(_)) => "red".to_owned(),
            Ok(Found::Green) => "SURVIVED".to_owned(),
            Err(error) => format!("NOT TESTED, {error}"),
        };
        let Mutant {
            does,
            file,
            suite,
            test,
            ..
        } = mutant;
        println!("{told}: {does} ({file}): {suite} {test}");
    }
    Ok(all_red)
}

enum Found {
    Green,
    Red(String),
}

/// A copy of the workspace, with a target folder of its own.
struct Copy {
    folder: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Writes what differs only, so that what was compiled before is still good, and deletes what is gone.
    fn make() -> io::Result<Self> {
        let copy = Copy {
            folder: root().join("target/mutants/workspace"),
            target: root().join("target/mutants/target"),
        };
        let mut git = Command::new("git");
        git.args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ]);
        let listed = git.current_dir(root()).output()?;
        if !listed.status.success() {
            let error = String::from_utf8_lossy(&listed.stderr).into_owned();
            return Err(io::Error::other(error));
        }
        let mut files = HashSet::new();
        for file in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            // Deleted, and not committed yet.
            let Ok(now) = fs::read(root().join(file)) else {
                continue;
            };
            let to = copy.folder.join(file);
            if fs::read(&to).ok().as_deref() != Some(&*now) {
                fs::create_dir_all(to.parent().unwrap_or(Path::new("")))?;
                fs::write(&to, now)?;
            }
            files.insert(to);
        }
        delete_others(&copy.folder, &files)?;
        Ok(copy)
    }

    /// Runs the mutant's test on the mutant.
    fn mutated(&self, mutant: &Mutant) -> Result<Found, String> {
        let (from, to) = (root().join(mutant.file), self.folder.join(mutant.file));
        let failed = |error: io::Error| format!("{}: {error}", mutant.file);
        let text = fs::read_to_string(from).map_err(failed)?;
        fs::write(&to, text.replacen(mutant.old, mutant.new, 1)).map_err(failed)?;
        let found = self.test(mutant);
        fs::write(&to, text).map_err(failed)?;
        found
    }

    /// Runs the mutant's test; an error when there was none to run, since nothing compiled.
    fn test(&self, mutant: &Mutant) -> Result<Found, String> {
        eprintln!("{} {}", mutant.suite, mutant.test);
        let mut command = cargo(&words(mutant));
        command
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target);
        let tests = cargo_test(mutant.suite, &mut command, |_| ());
        judge(mutant, &tests)
    }
}

/// Deletes every file in the folder, and below it, that is none of these.
fn delete_others(folder: &Path, files: &HashSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            delete_others(&path, files)?;
        } else if !files.contains(&path) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// What cargo is asked for.
fn words(mutant: &Mutant) -> String {
    let Mutant { suite, test, .. } = mutant;
    match *suite {
        "unit" => format!("test -p {} --lib {test} -- --exact", mutant.package()),
        "ui" => format!("test -p tests --test ui -- every_program trybuild={test}"),
        _ => format!("test -p tests --test {suite} {test} -- --exact"),
    }
}

fn judge(mutant: &Mutant, tests: &[Tested]) -> Result<Found, String> {
    let name = if mutant.suite == "ui" {
        "every_program"
    } else {
        mutant.test
    };
    let of_the_program = |test: &&Tested| test.name == name || test.name == "(test program)";
    let killed = |test: &&Tested| matches!(&test.verdict, Verdict::Failed(Some(reason)) if reason.contains("was killed"));
    for test in tests
        .iter()
        .filter(|test| of_the_program(test) || killed(test))
    {
        match &test.verdict {
            Verdict::Failed(reason) => return Ok(Found::Red(reason.clone().unwrap_or_default())),
            Verdict::Passed => return Ok(Found::Green),
            Verdict::Skipped => {}
        }
    }
    let why = tests.iter().find_map(|test| match &test.verdict {
        Verdict::Failed(reason) => reason.as_deref(),
        _ => None,
    });
    Err(format!(
        "the test did not run: {}",
        why.unwrap_or("there is no such test")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_from_the_workspace_goes_from_the_copy() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let [kept, moved] =
            ["tests/layers/main.rs", "tests/layers.rs"].map(|file| folder.path().join(file));
        fs::create_dir_all(folder.path().join("tests/layers"))?;
        fs::write(&kept, "")?;
        fs::write(&moved, "")?;
        delete_others(folder.path(), &HashSet::from([kept.clone()]))?;
        assert!(kept.exists() && !moved.exists());
        Ok(())
    }
}
