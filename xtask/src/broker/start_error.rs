//! Why a broker did not start.

use super::find_error::FindError;
use super::kind::Kind;
use super::server::PATIENCE;
use std::{fmt, io};

/// Why a broker did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// What the server is started from is not there.
    NoServer {
        /// Which server.
        server: &'static str,
        /// The environment variables that say where its parts are.
        variables: &'static str,
        /// What is not there.
        source: FindError,
    },
    /// The system refused a file or a process.
    System {
        /// Which server.
        server: &'static str,
        /// What the system refused.
        source: io::Error,
    },
    /// The server ended by itself.
    Ended {
        /// Which server.
        server: &'static str,
        /// What it logged.
        log: String,
    },
    /// The server runs, but does not answer within 30 s.
    NoAnswer {
        /// Which server.
        server: &'static str,
        /// What it logged.
        log: String,
    },
}

impl StartError {
    pub(super) fn missing<K: Kind>(source: FindError) -> Self {
        Self::NoServer {
            server: K::NAME,
            variables: K::VARIABLES,
            source,
        }
    }

    pub(super) fn system<K: Kind>(source: io::Error) -> Self {
        Self::System {
            server: K::NAME,
            source,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoServer {
                server,
                variables,
                source,
            } => write!(
                f,
                "this test needs {server}: run `cargo xtask test`, which fetches it, or set {variables} ({source})"
            ),
            Self::System { server, source } => write!(f, "{server} cannot be started: {source}"),
            Self::Ended { server, log } => {
                write!(f, "{server} ended while it started; its log: {log}")
            }
            Self::NoAnswer { server, log } => write!(
                f,
                "{server} does not answer after {PATIENCE:?}; its log: {log}"
            ),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoServer { source, .. } => Some(source),
            Self::System { source, .. } => Some(source),
            Self::Ended { .. } | Self::NoAnswer { .. } => None,
        }
    }
}
