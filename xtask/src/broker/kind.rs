//! What a server of one kind does in its own way.

use super::find_error::FindError;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fmt, io};

/// Environment variables that say where the parts of a server are, with their values.
pub type Variables = Vec<(&'static str, PathBuf)>;

/// What the servers of one kind do in their own way; a value knows what its server is started from.
pub trait Kind: Sized + fmt::Debug {
    /// What it is called in messages.
    const NAME: &'static str;

    /// The scheme of its URLs.
    const SCHEME: &'static str;

    /// The environment variables that [`find`](Self::find) looks at first, for messages.
    const VARIABLES: &'static str;

    /// How many ports it needs. The first is that of its clients.
    const PORTS: usize;

    /// Finds what the server is started from, or fetches it and keeps it for the next time.
    ///
    /// # Errors
    ///
    /// A sentence that says what is missing and what to install.
    fn provide() -> Result<Variables, String>;

    /// Finds what the server is started from.
    ///
    /// # Errors
    ///
    /// A part is missing, or too old.
    fn find() -> Result<Self, FindError>;

    /// Writes the configuration file, with these lines at its end. The command, if there is one, makes the
    /// folder ready for the first start; it can be run again after a start that failed.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    fn prepare(&self, folder: &Path, ports: &[u16], lines: &str) -> io::Result<Option<Command>>;

    /// Becomes the server, in a folder that is prepared.
    fn command(&self, folder: &Path, ports: &[u16]) -> Command;

    /// Whether this server, and no other at its port, takes clients. The log is what it has logged since it was
    /// launched.
    fn answers(&self, ports: &[u16], log: &str) -> bool;
}
