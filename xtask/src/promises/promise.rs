//! A promise.

/// What the bus promises, and what shows it.
#[derive(Debug)]
pub(super) struct Promise {
    /// `P1`.
    pub(super) name: &'static str,
    /// A few words.
    pub(super) title: &'static str,
    /// What is promised.
    pub(super) text: &'static str,
    /// What belongs to it and is not shown yet; or nothing.
    pub(super) not_yet: &'static str,
    /// The tests that show it: a suite, and the names of tests of it. `unit` are the product's own.
    pub(super) tests: &'static [(&'static str, &'static [&'static str])],
    /// Mistakes in the product that would break it.
    pub(super) mutants: &'static [Mutant],
}

impl Promise {
    /// Whether there is a test that shows it, and a mutant that turns one red.
    pub(super) fn is_shown(&self) -> bool {
        !self.tests.is_empty() && !self.mutants.is_empty()
    }
}

/// A mistake in the product, and a test that turns red by it.
#[derive(Debug)]
pub(super) struct Mutant {
    /// What the product does then.
    pub(super) does: &'static str,
    /// A file of the product, from the workspace's folder.
    pub(super) file: &'static str,
    /// What is replaced: it is there once.
    pub(super) old: &'static str,
    pub(super) new: &'static str,
    pub(super) suite: &'static str,
    /// The test's full path; of the suite `ui`, the program that must not compile, or must.
    pub(super) test: &'static str,
}

impl Mutant {
    /// The package of its file, which has the name of its folder; its test of the suite `unit` is one of that.
    pub(super) fn package(&self) -> &'static str {
        let folder = self.file.split('/').next();
        folder.unwrap_or(self.file)
    }
}
