//! A crate with as many handlers as one likes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// A program that looks at a bus of so many topics, at the URL that is its argument. It is written into a folder of its
/// own.
pub(crate) fn program(topics: u32, folder: &Path) -> io::Result<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let manifest = format!(
        "[package]\nname = \"many-topics\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         bus-runtime = {{ path = \"{workspace}/bus-runtime\" }}\n\
         benches = {{ path = \"{workspace}/benches\", features = [\"footprint\"] }}\n\n\
         [profile.dev]\ndebug = \"line-tables-only\"\n\n\
         [profile.dev.package.many-topics]\ndebug = false\nincremental = false\n",
        workspace = workspace.display()
    );
    let names: Vec<_> = (0..topics).map(|number| format!("h{number:03}")).collect();
    let source = include_str!("generated.txt")
        .replace("TOPICS", &topics.to_string())
        .replace("NAMES", &names.join(" "));
    fs::create_dir_all(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/main.rs"), source)?;
    // The versions that are tested.
    fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;

    // The same as the workspace's: what both depend on is there.
    let target = env::var_os("CARGO_TARGET_DIR").map_or(workspace.join("target"), PathBuf::from);
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet"])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", &target)
        .status()?;
    if status.success() {
        Ok(target.join("debug/many-topics"))
    } else {
        Err(io::Error::other(format!("cargo ended with {status}")))
    }
}
