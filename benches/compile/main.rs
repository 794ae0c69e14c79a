//! What handlers cost to compile: CPU time of `cargo check` and `cargo build` for crates with so many handlers as the
//! arguments say, with a bus, beside the attribute without a bus and beside plain functions; the size of their programs;
//! a clean build of the quickstart. It says whether what a handler costs is the same among more of them.
//!
//! Each is compiled several times, one after the other, and the median counts. What they depend on is built before.

mod cargo;
mod measured;
mod sort;

use benches::{Row, Table};
use cargo::cargo;
use measured::Measured;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io, process};

/// How many handlers, without arguments.
const HANDLERS: [usize; 4] = [10, 100, 1000, 3000];

fn main() -> io::Result<()> {
    let mut handlers: Vec<usize> = Vec::new();
    for argument in env::args().skip(1) {
        match argument.parse() {
            Ok(number) if number > 0 => handlers.push(number),
            _ => {
                eprintln!("error: {argument:?} is no number of handlers");
                process::exit(2);
            }
        }
    }
    if handlers.is_empty() {
        handlers.extend(HANDLERS);
    }
    handlers.sort_unstable();
    handlers.dedup();

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()?;
    let folder = tempfile::tempdir()?;
    let measured = Measured::take(&handlers, &workspace, folder.path())?;
    let mut rows = measured.rows(&handlers);
    rows.push(quickstart(&workspace, folder.path())?);
    let table = Table {
        bench: "compile",
        versions: vec![
            ("bus-runtime", env!("CARGO_PKG_VERSION").to_owned()),
            ("rustc", rustc()?),
        ],
        rows,
    };
    table.show()?;
    println!();
    for line in measured.growth(&handlers) {
        println!("{line}");
    }
    Ok(())
}

/// What the quickstart takes to build, with all that it depends on.
fn quickstart(workspace: &Path, folder: &Path) -> io::Result<Row> {
    let runtime = workspace.join("bus-runtime");
    let bus = format!("bus-runtime = {{ path = \"{}\" }}\n", runtime.display());
    let source = fs::read_to_string(workspace.join("examples/quickstart/main.rs"))?;
    let build = |name: &str, bus: &str, source: &str| {
        let folder = folder.join(name);
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n{bus}\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n\
             tokio = {{ version = \"1\", features = [\"rt-multi-thread\", \"macros\", \"sync\", \"time\", \"signal\"] }}\n\
             tracing = \"0.1\"\n\
             tracing-subscriber = {{ version = \"0.3\", default-features = false, features = [\"fmt\", \"ansi\"] }}\n"
        );
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src/main.rs"), source)?;
        fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock"))?;
        cargo(&["build"], &folder, &folder.join("target"))
    };
    Ok(Row {
        case: "quickstart".to_owned(),
        metric: "clean build",
        unit: "s CPU",
        ours: build("quickstart", &bus, &source)?,
        reference: Some(build("dependencies", "", "fn main() {}\n")?),
        reference_name: "serde, tokio and tracing-subscriber alone".to_owned(),
    })
}

/// The compiler's version.
fn rustc() -> io::Result<String> {
    let said = Command::new("rustc").arg("--version").output()?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}
