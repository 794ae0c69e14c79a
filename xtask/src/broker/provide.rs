//! Where what is fetched for the brokers is kept.

use super::kind::{Kind, Variables};
use super::{KafkaServer, NatsServer};
use crate::run::process;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

/// How long one step of a download may take.
const LIMIT: Duration = Duration::from_mins(10);

/// Finds or fetches every broker, and says where each is, for the tests.
pub(crate) fn provide() -> Result<Variables, String> {
    let (nats, kafka) = (NatsServer::provide()?, KafkaServer::provide()?);
    Ok([nats, kafka].concat())
}

/// The path that an environment variable names.
pub(super) fn chosen(variable: &str) -> Option<PathBuf> {
    let path = env::var_os(variable).filter(|path| !path.is_empty());
    path.map(PathBuf::from)
}

/// Where all is kept that was fetched.
pub(super) fn folder() -> PathBuf {
    crate::suite::root().join("target/brokers")
}

/// Runs one step of a download, to its end. The standard output is left to what was asked for, such as a URL.
pub(super) fn download(step: &mut Command) -> Result<(), String> {
    process::run(step, LIMIT, |bytes| {
        // Nobody may be watching; the download is still wanted.
        let _ = io::stderr().write_all(bytes);
    })
}

/// Keeps at this path what `fetch` has made in the folder that it is given.
pub(super) fn keep(
    kept: &Path,
    fetch: impl FnOnce(&Path) -> Result<PathBuf, String>,
) -> Result<(), String> {
    eprintln!("fetching {}", kept.display());
    let failed = |error: io::Error| format!("{}: {error}", kept.display());
    fs::create_dir_all(folder()).map_err(failed)?;
    // A folder of our own beside the place where it is kept: two runs at once do not meet, and the last
    // step is one rename.
    let own = tempfile::tempdir_in(folder()).map_err(failed)?;
    let fetched = fetch(own.path())?;
    match fs::rename(&fetched, kept) {
        // Another run was faster.
        Err(_) if kept.is_dir() => Ok(()),
        renamed => renamed.map_err(failed),
    }
}
