//! Why a broker did not start.

use super::find::{FindError, OLDEST};
use super::nats::PATIENCE;
use std::{fmt, io};

/// Why a broker did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// There is no nats-server.
    NoServer(FindError),
    /// The system refused a file or a process.
    System(io::Error),
    /// The server ended by itself.
    Ended {
        /// What it logged.
        log: String,
    },
    /// The server runs, but does not answer within 30 s.
    NoAnswer {
        /// What it logged.
        log: String,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer(error) => write!(
                f,
                "this test needs a nats-server ≥ {}.{}: run `cargo xtask test`, or set NATS_SERVER ({error})",
                OLDEST.0, OLDEST.1
            ),
            Self::System(error) => write!(f, "nats-server cannot be started: {error}"),
            Self::Ended { log } => write!(f, "nats-server ended while it started; its log: {log}"),
            Self::NoAnswer { log } => {
                write!(
                    f,
                    "nats-server does not answer after {PATIENCE:?}; its log: {log}"
                )
            }
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoServer(error) => Some(error),
            Self::System(error) => Some(error),
            Self::Ended { .. } | Self::NoAnswer { .. } => None,
        }
    }
}

impl From<FindError> for StartError {
    fn from(error: FindError) -> Self {
        Self::NoServer(error)
    }
}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}
