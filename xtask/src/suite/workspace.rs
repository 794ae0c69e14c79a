//! What cargo knows about this workspace.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, io};

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = xtask.parent();
    root.expect("xtask is a folder of the workspace").to_owned()
}

/// A command, its words separated by spaces, that runs in the workspace.
pub(super) fn command(words: &str) -> Command {
    let (program, arguments) = words.split_once(' ').unwrap_or((words, ""));
    command_of(program, arguments)
}

/// The cargo that runs this, with these arguments separated by spaces.
pub(crate) fn cargo(arguments: &str) -> Command {
    command_of(
        env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        arguments,
    )
}

fn command_of(program: impl AsRef<OsStr>, arguments: &str) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments.split_whitespace())
        .current_dir(root());
    // What a developer's shell has set for the bus is not meant for the tests.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("BUS_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a program prints on its standard output.
pub(super) fn output(mut command: Command) -> Result<String, String> {
    let output = command.output().and_then(|output| match output.status {
        status if status.success() => Ok(output.stdout),
        status => Err(io::Error::other(format!(
            "{status}: {}",
            String::from_utf8_lossy(&output.stderr)
        ))),
    });
    let bytes = output.map_err(|error| format!("{command:?}: {error}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The packages of the workspace, as `cargo metadata` describes them.
pub(super) struct Workspace(Value);

impl Workspace {
    pub(super) fn read() -> Result<Self, String> {
        let text = output(cargo("metadata --format-version 1 --no-deps"))?;
        let value = serde_json::from_str(&text);
        Ok(Self(
            value.map_err(|error| format!("cargo metadata: {error}"))?,
        ))
    }

    /// Name, edition and oldest compiler of each package.
    pub(super) fn packages(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        self.each_package().map(|package| {
            (
                text(&package["name"]),
                text(&package["edition"]),
                package["rust_version"].as_str(),
            )
        })
    }

    /// The names of a package's targets of one kind, such as `test` or `example`, sorted.
    pub(super) fn targets(&self, package: &str, kind: &str) -> Vec<String> {
        let package = self
            .each_package()
            .find(|candidate| candidate["name"] == package);
        let targets = package.and_then(|package| package["targets"].as_array());
        let mut names: Vec<_> = targets
            .into_iter()
            .flatten()
            .filter(|target| target["kind"][0] == kind)
            .map(|target| text(&target["name"]).to_owned())
            .collect();
        names.sort();
        names
    }

    fn each_package(&self) -> impl Iterator<Item = &Value> {
        self.0["packages"].as_array().into_iter().flatten()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
