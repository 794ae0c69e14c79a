//! What must not compile, with what the compiler says; and what must, however wrong it looks.
//!
//! The first line of each program in `ui` is a sentence that its reader must find in the error. To accept what the
//! compiler says now, run with `TRYBUILD=overwrite`, and read the difference like a change of the API.

mod mistakes;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_program() {
    for (folder, least) in [("pass", 19), ("looks_wrong", 30), ("ui", 110)] {
        let found = programs(folder).len();
        assert!(found >= least, "only {found} in `{folder}`");
    }
    let programs = trybuild::TestCases::new();
    programs.pass("pass/*.rs");
    programs.pass("looks_wrong/*.rs");
    programs.compile_fail("ui/*.rs");
}

#[test]
fn every_mistake_is_said_in_its_own_words() {
    let mut seen = HashMap::new();
    for program in programs("ui") {
        let (sentence, heads) = (sentence(&program), told(&program));
        let first = heads.first().cloned().unwrap_or_default();
        if let Some(other) = seen.insert(first.clone(), program.clone()) {
            panic!("of {program:?} and {other:?} the compiler says first: {first}");
        }
        assert!(
            heads.iter().any(|head| head.contains(&sentence)),
            "{program:?} is to say: {sentence}\nbut says: {heads:#?}"
        );
    }
}

#[test]
fn nothing_is_said_about_a_program_that_is_gone() {
    for entry in fs::read_dir("ui").expect("the folder is there") {
        let path = entry.expect("the folder can be read").path();
        assert!(
            path.with_extension("rs").exists(),
            "{path:?} belongs to no program"
        );
    }
}

/// The programs in a folder.
fn programs(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// The sentence that a program begins with.
fn sentence(program: &Path) -> String {
    let text = fs::read_to_string(program).expect("the program can be read");
    let first = text.lines().next().unwrap_or_default();
    let sentence = first
        .strip_prefix("//! ")
        .unwrap_or_else(|| panic!("{} does not begin with a sentence", program.display()));
    plain(sentence)
}

/// The first line of everything that the compiler says about a program.
fn told(program: &Path) -> Vec<String> {
    let said = program.with_extension("stderr");
    let said =
        fs::read_to_string(&said).unwrap_or_else(|error| panic!("{}: {error}", said.display()));
    said.lines()
        .filter(|line| line.starts_with("error") || line.starts_with("warning"))
        .map(plain)
        .collect()
}

/// Text with single spaces.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
