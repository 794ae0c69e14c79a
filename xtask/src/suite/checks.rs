//! Suites that look at the workspace instead of running a program of it.

use super::workspace::{Workspace, cargo, command, output};
use crate::run::process;
use std::time::Duration;

const EDITION: &str = "2024";

/// How long the oldest compiler may take.
const LIMIT: Duration = Duration::from_mins(15);

/// What is built without features, for users.
const PRODUCT: &str = "-p bus-runtime -p examples";

/// Crates named `-sys` that are written in Rust alone: declarations of a kernel's own interface.
const PURE_RUST: &[&str] = &["linux-raw-sys", "windows-sys"];

/// All packages name one `rust-version`, and they compile with it.
pub(super) fn msrv(workspace: &Workspace) -> Result<(), String> {
    let mut stated = None;
    for (package, edition, rust_version) in workspace.packages() {
        let Some(rust_version) = rust_version else {
            return Err(format!("{package} has no rust-version"));
        };
        if edition != EDITION {
            return Err(format!("{package} has edition {edition}, not {EDITION}"));
        }
        if *stated.get_or_insert(rust_version) != rust_version {
            return Err(format!("{package} has another rust-version than the rest"));
        }
    }
    let stated = stated.ok_or("the workspace has no package")?;
    let said = output(command("rustc --version"))?;
    let running = said.split_whitespace().nth(1).unwrap_or_default();
    let oldest = minor(stated).ok_or_else(|| format!("rust-version {stated} is not a version"))?;
    let current = minor(running).ok_or_else(|| format!("rustc says {said:?}"))?;
    println!("rust-version {stated}, compiler {running}");
    match current.cmp(&oldest) {
        // The other suites compile with the oldest compiler: nothing is left to check.
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(format!(
            "rustc {running} is older than the rust-version {stated}"
        )),
        std::cmp::Ordering::Greater => check_with(stated),
    }
}

fn check_with(stated: &str) -> Result<(), String> {
    let advice = format!("`rustup toolchain install {stated}` is needed to check rust-version");
    let toolchains =
        output(command("rustup toolchain list")).map_err(|error| format!("{advice}: {error}"))?;
    let installed = toolchains.lines().find(|toolchain| {
        // `1.95-x86_64-…` or `1.95.0-x86_64-…`
        let rest = toolchain.strip_prefix(stated);
        rest.is_some_and(|rest| rest.starts_with(['-', '.']))
    });
    let toolchain = installed.and_then(|line| line.split_whitespace().next());
    let toolchain = toolchain.ok_or(advice)?;
    // Two compilers in one target folder would build over each other.
    let mut check = command(&format!(
        "rustup run {toolchain} cargo check --workspace --all-targets --all-features --target-dir target/msrv"
    ));
    check
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("RUSTC");
    process::run(&mut check, LIMIT, process::pass_on)
}

/// Major and minor version of `1.95` or `1.97.0-nightly`.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Without features, no crate needs a C compiler or a library of the system.
pub(super) fn no_c(_: &Workspace) -> Result<(), String> {
    let tree = output(cargo(&format!(
        "tree {PRODUCT} --edges normal,build --prefix none --format {{p}}"
    )))?;
    let crates = tree.lines().filter_map(|line| line.split(' ').next());
    let crates: Vec<_> = crates.filter(|name| !name.is_empty()).collect();
    if !crates.contains(&"bus-runtime") {
        return Err(format!("cargo tree does not list bus-runtime: {tree}"));
    }
    let mut native: Vec<_> = crates.into_iter().filter(|name| needs_c(name)).collect();
    native.sort_unstable();
    native.dedup();
    match native.first() {
        None => Ok(()),
        Some(first) => Err(format!(
            "the default build has {}; `cargo tree {PRODUCT} -i {first}` shows what brings it in",
            native.join(", ")
        )),
    }
}

fn needs_c(name: &str) -> bool {
    matches!(name, "cc" | "cmake" | "bindgen" | "pkg-config" | "vcpkg")
        || (name.ends_with("-sys") && !PURE_RUST.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(minor("1.95"), Some((1, 95)));
        assert_eq!(minor("1.97.0-nightly"), Some((1, 97)));
        assert!(minor("1.100.0") > minor("1.95"));
        assert_eq!(minor("unknown"), None);
    }

    #[test]
    fn crates_that_compile_c_are_recognised() {
        for name in ["cc", "cmake", "rdkafka-sys", "openssl-sys", "aws-lc-sys"] {
            assert!(needs_c(name), "{name}");
        }
        for name in ["linux-raw-sys", "windows-sys", "libc", "syslog", "ring"] {
            assert!(!needs_c(name), "{name}");
        }
    }
}
