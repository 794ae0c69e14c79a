//! Which nats-server to start.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt, io};

/// The oldest nats-server, as major and minor version, that the bus works with.
pub(super) const OLDEST: (u32, u32) = (2, 14);

/// The nats-server that is fetched when there is none.
pub(super) const PINNED: &str = "2.15.1";

/// Finds a nats-server: the one that `NATS_SERVER` names, else the one in `PATH`, else the one that an
/// earlier `cargo xtask test` has fetched.
pub(super) fn find() -> Result<PathBuf, FindError> {
    if let Some(path) = env::var_os("NATS_SERVER").filter(|path| !path.is_empty()) {
        return checked(Path::new(&path));
    }
    let in_path = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .map(|folder| folder.join("nats-server"))
        .find(|path| path.is_file());
    let mut first_error = FindError::Nowhere;
    for path in in_path.into_iter().chain(Some(fetched())) {
        if path.is_file() {
            match checked(&path) {
                Ok(path) => return Ok(path),
                Err(error) if matches!(first_error, FindError::Nowhere) => first_error = error,
                Err(_) => {}
            }
        }
    }
    Err(first_error)
}

/// Where the fetched nats-server is kept; the version is in its name, so that a new pin is fetched anew.
pub(super) fn fetched() -> PathBuf {
    crate::suite::root()
        .join("target/brokers")
        .join(format!("nats-server-{PINNED}"))
}

/// The path, absolute, if a nats-server that is new enough is there.
pub(super) fn checked(path: &Path) -> Result<PathBuf, FindError> {
    let cannot_run = |source| FindError::CannotRun {
        path: path.to_owned(),
        source,
    };
    let path = path.canonicalize().map_err(cannot_run)?;
    let output = Command::new(&path)
        .arg("--version")
        .output()
        .map_err(cannot_run)?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    match version(&said) {
        Some(version) if version >= OLDEST => Ok(path),
        _ => Err(FindError::TooOld { path, said }),
    }
}

/// Reads major and minor version from `nats-server: v2.15.1`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said
        .strip_prefix("nats-server: v")?
        .split(|character: char| !character.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Why there is no nats-server to start.
#[derive(Debug)]
#[non_exhaustive]
pub enum FindError {
    /// None is in `PATH` and none has been fetched.
    Nowhere,
    /// The one found cannot be run.
    CannotRun {
        /// Where it is.
        path: PathBuf,
        /// Why it cannot be run.
        source: io::Error,
    },
    /// The one found is older than the bus needs, or is something else.
    TooOld {
        /// Where it is.
        path: PathBuf,
        /// What it answered to `--version`.
        said: String,
    },
}

impl fmt::Display for FindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => write!(f, "no nats-server in PATH, and NATS_SERVER is not set"),
            Self::CannotRun { path, source } => {
                write!(f, "{} cannot be run: {source}", path.display())
            }
            Self::TooOld { path, said } => write!(
                f,
                "{} answers \"{said}\", and {}.{} is the oldest that the bus works with",
                path.display(),
                OLDEST.0,
                OLDEST.1
            ),
        }
    }
}

impl std::error::Error for FindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::CannotRun { source, .. } => Some(source),
            Self::Nowhere | Self::TooOld { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn server_that_says(version: &str) -> Result<PathBuf, FindError> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("nats-server");
        fs::write(&path, format!("#!/bin/sh\necho '{version}'\n")).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
        checked(&path)
    }

    #[test]
    fn a_new_server_is_taken() {
        for version in ["v2.14.0", "v2.15.1", "v2.100.0-RC.1", "v3.0.0"] {
            server_that_says(&format!("nats-server: {version}")).expect(version);
        }
    }

    #[test]
    fn an_old_server_is_named_with_its_version() {
        let error = server_that_says("nats-server: v2.9.25").expect_err("2.9 is too old");
        let text = error.to_string();
        assert!(text.contains("v2.9.25") && text.contains("2.14"), "{text}");
        assert!(text.contains("/nats-server answers"), "{text}");
    }

    #[test]
    fn something_else_is_not_taken() {
        server_that_says("nginx 1.2").expect_err("this is no nats-server");
        checked(Path::new("/nowhere/nats-server")).expect_err("nothing is there");
    }
}
