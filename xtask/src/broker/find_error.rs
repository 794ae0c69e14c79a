//! Why there is nothing to start a broker from.

use std::path::PathBuf;
use std::{fmt, io};

/// Why there is nothing to start a broker from.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindError {
    /// The program is not in `PATH` and has not been fetched.
    Nowhere {
        /// Its name.
        program: &'static str,
        /// The environment variable that could say where it is.
        variable: &'static str,
    },
    /// The program that was found cannot be run.
    CannotRun {
        /// Where it is.
        path: PathBuf,
        /// Why it cannot be run.
        source: io::Error,
    },
    /// The program that was found is older than the bus needs, or is something else.
    TooOld {
        /// Where it is.
        path: PathBuf,
        /// What it answered when asked for its version.
        said: String,
        /// The oldest version that the bus works with.
        oldest: &'static str,
    },
    /// A folder lacks a jar.
    NoJar {
        /// The folder.
        folder: PathBuf,
        /// How the jar's name begins.
        jar: &'static str,
    },
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere { program, variable } => {
                write!(f, "no {program} in PATH, and {variable} is not set")
            }
            Self::CannotRun { path, source } => {
                write!(f, "{} cannot be run: {source}", path.display())
            }
            Self::TooOld { path, said, oldest } => write!(
                f,
                "{} answers \"{said}\", and {oldest} is the oldest that the bus works with",
                path.display(),
            ),
            Self::NoJar { folder, jar } => {
                write!(f, "there is no {jar}*.jar in {}", folder.display())
            }
        }
    }
}

impl std::error::Error for FindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CannotRun { source, .. } => Some(source),
            Self::Nowhere { .. } | Self::TooOld { .. } | Self::NoJar { .. } => None,
        }
    }
}
