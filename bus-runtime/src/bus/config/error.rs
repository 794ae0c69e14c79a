//! What is wrong with a configuration.

use super::options::OPTIONS;
use std::error::Error;
use std::fmt;

/// What is wrong with a configuration: every mistake that was found, not only the first.
///
/// A mistake names the option or the environment's variable, what it is set to and what is allowed. User
/// and password of a URL are not shown, nor is what was read from a file.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    mistakes: Vec<String>,
}

impl ConfigError {
    /// The error of one mistake.
    pub(super) fn one(mistake: String) -> Self {
        ConfigError {
            mistakes: vec![mistake],
        }
    }

    /// The error of these mistakes, if there are any.
    pub(super) fn unless_empty(mistakes: Vec<String>) -> Result<(), Self> {
        if mistakes.is_empty() {
            Ok(())
        } else {
            Err(ConfigError { mistakes })
        }
    }

    /// Each mistake, at least one.
    pub fn mistakes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.mistakes.iter().map(String::as_str)
    }
}

/// The text: what `main` prints when it returns the error.
impl fmt::Debug for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = &*self.mistakes {
            return write!(f, "wrong configuration: {only}");
        }
        write!(f, "wrong configuration, {} mistakes:", self.mistakes.len())?;
        for mistake in &self.mistakes {
            write!(f, "\n- {mistake}")?;
        }
        Ok(())
    }
}

impl Error for ConfigError {}

/// Says that `given` is not known, which option was probably meant, and which there are; `written` is how
/// an option's name is spelt where it was given.
pub(super) fn unknown(given: &str, name: &str, written: impl Fn(&str) -> String) -> String {
    let nearest = OPTIONS
        .iter()
        .map(|(option, _)| (strsim::damerau_levenshtein(name, option), option))
        .min()
        .filter(|(edits, _)| *edits <= (name.len() / 3).max(1));
    let meant = nearest.map_or(String::new(), |(_, option)| {
        format!("did you mean `{}`? ", written(option))
    });
    let known: Vec<_> = OPTIONS.iter().map(|(option, _)| written(option)).collect();
    format!(
        "unknown option `{given}`; {meant}the options are {}",
        known.join(", ")
    )
}
