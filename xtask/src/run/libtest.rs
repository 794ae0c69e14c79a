//! What the test harness prints: which tests ran, and how they ended.

/// How one test ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// With the reason, where it is known.
    Failed(Option<String>),
    Skipped,
}

/// One test, by its full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tested {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
}

impl Tested {
    pub(crate) fn new(name: &str, verdict: Verdict) -> Self {
        let name = name.to_owned();
        Self { name, verdict }
    }
}

/// Reads the output of one `cargo test`, which may run several test programs.
///
/// What a test prints past the harness, a child process for example, may stand before, after or in the middle
/// of a line. So lines are read leniently, and each program's own result has the last word on how many tests
/// there were.
#[derive(Debug, Default)]
pub(crate) struct Output {
    line: Vec<u8>,
    /// A test whose line was torn before its verdict.
    pending: Option<String>,
    /// The tests that the running program has announced.
    announced: Option<usize>,
    /// The running program shows what its failed tests have printed, which may look like anything.
    quoting: bool,
    /// The tests of the running program.
    program: Vec<Tested>,
    tests: Vec<Tested>,
}

impl Output {
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(String::from_utf8_lossy(&line).trim_end());
            } else {
                self.line.push(byte);
            }
        }
    }

    /// The tests in the order in which they ended.
    pub(crate) fn end(mut self) -> Vec<Tested> {
        self.read(b"\n");
        self.program_ended_early();
        self.tests
    }

    fn line(&mut self, line: &str) {
        if let Some(count) = announcement(line) {
            self.program_ended_early();
            self.announced = Some(count);
        } else if let Some(result) = line.find("test result: ").map(|at| &line[at..]) {
            self.result(result);
        } else if self.quoting || line == "failures:" {
            self.quoting = true;
        } else if let Some((name, rest)) = test_line(line) {
            match verdict(rest) {
                Some(verdict) => self.program.push(Tested::new(name, verdict)),
                None => self.pending = Some(name.to_owned()),
            }
        } else if let Some(verdict) = self.pending.as_ref().and(verdict(line)) {
            let name = self.pending.take().unwrap_or_default();
            self.program.push(Tested::new(&name, verdict));
        }
    }

    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`
    fn result(&mut self, line: &str) {
        if self.announced.take().is_none() {
            // Not the harness's: it announces its tests first.
            return;
        }
        let count = |word: &str| {
            let before = &line[..line.find(word)?];
            before.split_whitespace().next_back()?.parse::<usize>().ok()
        };
        for (word, verdict) in [
            (" passed;", Verdict::Passed),
            (" failed;", Verdict::Failed(None)),
            (" ignored;", Verdict::Skipped),
        ] {
            let named = self.program.iter().filter(|test| test.verdict == verdict);
            let (named, counted) = (named.count(), count(word));
            let Some(counted) = counted.filter(|counted| *counted >= named) else {
                self.failure(format!(
                    "{named} tests read as{word} the result says: {line}"
                ));
                continue;
            };
            // Their lines were torn beyond recognition.
            for _ in named..counted {
                let unnamed = Tested::new("(its name was lost in other output)", verdict.clone());
                self.program.push(unnamed);
            }
        }
        self.program_ends();
    }

    /// Closes a program that has announced its tests and not told their result: it crashed.
    fn program_ended_early(&mut self) {
        if let Some(announced) = self.announced.take() {
            let told = self.program.len();
            self.failure(format!(
                "the test program ended before its result: {announced} tests announced, {told} ended"
            ));
            self.program_ends();
        }
    }

    fn program_ends(&mut self) {
        self.pending = None;
        self.quoting = false;
        self.tests.append(&mut self.program);
    }

    fn failure(&mut self, reason: String) {
        let verdict = Verdict::Failed(Some(reason));
        self.tests.push(Tested::new("(test program)", verdict));
    }
}

/// `running 3 tests`
fn announcement(line: &str) -> Option<usize> {
    let count = line.strip_prefix("running ")?;
    let count = count.strip_suffix(" tests").or(count.strip_suffix(" test"));
    count?.parse().ok()
}

/// The name of the test and what follows it in `test NAME ... ok`.
fn test_line(line: &str) -> Option<(&str, &str)> {
    let (before, rest) = line.split_once(" ... ").or(line.split_once(" ..."))?;
    let name = match before.strip_prefix("test ") {
        Some(name) => name,
        None => &before[before.rfind("test ")? + "test ".len()..],
    };
    let name = name.strip_suffix(" - should panic").unwrap_or(name);
    (!name.is_empty()).then_some((name, rest))
}

fn verdict(text: &str) -> Option<Verdict> {
    let told = |word| text.starts_with(word) || text.ends_with(word);
    if told("FAILED") {
        Some(Verdict::Failed(None))
    } else if text.starts_with("ignored") {
        Some(Verdict::Skipped)
    } else if told("ok") {
        Some(Verdict::Passed)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Tested> {
        let mut output = Output::default();
        output.read(text.as_bytes());
        output.end()
    }

    fn passed(name: &str) -> Tested {
        Tested::new(name, Verdict::Passed)
    }

    fn failed(name: &str) -> Tested {
        Tested::new(name, Verdict::Failed(None))
    }

    fn skipped(name: &str) -> Tested {
        Tested::new(name, Verdict::Skipped)
    }

    #[test]
    fn each_verdict_is_read() {
        let tests = read(
            "\nrunning 5 tests\ntest a::b ... ok\ntest panics - should panic ... ok\ntest c ... FAILED\n\
             test d ... ignored\ntest e ... ignored, for a reason\n\nfailures:\n\n---- c stdout ----\n\
             test x said ... ok, it did\n\nfailures:\n    c\n\n\
             test result: FAILED. 2 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!(
            tests,
            [
                passed("a::b"),
                passed("panics"),
                failed("c"),
                skipped("d"),
                skipped("e")
            ]
        );
    }

    #[test]
    fn several_programs_and_doc_tests_are_read() {
        let tests = read(
            "running 1 test\ntest a ... ok\n\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             running 0 tests\n\n\
             test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             running 2 tests\ntest src/latest.rs - latest (line 3) ... ok\n\
             test src/lib.rs - (line 9) - compile fail ... ok\n\n\
             test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n",
        );
        assert_eq!(
            tests,
            [
                passed("a"),
                passed("src/latest.rs - latest (line 3)"),
                passed("src/lib.rs - (line 9) - compile fail")
            ]
        );
    }

    #[test]
    fn lines_torn_by_other_output_are_read() {
        let tests = read(
            "running 5 tests\nno line end heretest a ... ok\ntest b ... interleaved\nok\ntest c ... also FAILED\n\
             test d ... okay so\nhidden beyond recognition\n\n\
             test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        assert_eq!(
            tests,
            [
                passed("a"),
                passed("b"),
                failed("c"),
                passed("d"),
                passed("(its name was lost in other output)")
            ]
        );
    }

    #[test]
    fn a_long_line_in_pieces_is_one_line() {
        let mut output = Output::default();
        output.read(b"running 1 test\n");
        for _ in 0..100_000 {
            output.read(b"0123456789");
        }
        output.read(b"test a ... o");
        output.read(b"k\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured;\n");
        assert_eq!(output.end(), [passed("a")]);
    }

    #[test]
    fn more_tests_than_the_result_tells_are_a_failure() {
        let tests = read(
            "running 1 test\ntest a ... ok\ntest b ... ok\n\
             test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
        );
        let is_failure = |test: &Tested| matches!(test.verdict, Verdict::Failed(Some(_)));
        assert!(tests.iter().any(is_failure), "{tests:?}");
    }

    #[test]
    fn a_program_that_crashes_is_a_failure() {
        let crash = "running 3 tests\ntest a ... ok\n";
        let next = "running 1 test\ntest z ... ok\n\
                    test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n";
        for text in [crash.to_owned(), format!("{crash}{next}")] {
            let tests = read(&text);
            assert!(tests.contains(&passed("a")));
            let reason = "the test program ended before its result: 3 tests announced, 1 ended";
            let failure = Verdict::Failed(Some(reason.to_owned()));
            assert!(
                tests.contains(&Tested::new("(test program)", failure)),
                "{tests:?}"
            );
        }
    }

    #[test]
    fn no_test_program_is_no_test() {
        assert_eq!(Output::default().end(), []);
    }
}
