//! The bus as crates outside the workspace see it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository.
fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are in the repository")
        .to_owned()
}

/// Runs cargo in a folder; the build is kept for the next run.
fn cargo(folder: &Path, arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(arguments)
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", repository().join("target/outside"));
    cargo.output().expect("cargo runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The README's first block in this language.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(repository().join("README.md")).expect("there is a README");
    let start = format!("```{language}\n");
    let (_, rest) = readme
        .split_once(&start)
        .expect("the README has such a block");
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_readme_is_a_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(repository(), folder.path().join("event-bus"))
        .expect("a link to the clone");
    let shop = folder.path().join("shop");
    fs::create_dir_all(shop.join("src")).expect("a crate's folder");
    let package =
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n";
    fs::write(
        shop.join("Cargo.toml"),
        format!("{package}{}", block("toml")),
    )
    .expect("a manifest");
    fs::write(shop.join("src/main.rs"), block("rust")).expect("a program");
    fs::copy(repository().join("Cargo.lock"), shop.join("Cargo.lock"))
        .expect("the versions that are tested");

    let run = cargo(&shop, &["run", "--quiet"]);
    let (said, complained) = (text(&run.stdout), text(&run.stderr));
    assert!(run.status.success(), "{said}{complained}");
    assert!(
        said.contains("reserved order 1 at attempt 1"),
        "{said}{complained}"
    );
    assert!(
        said.contains("handled      1") && said.contains("left behind  nothing"),
        "{said}{complained}"
    );
    assert_eq!(
        complained, "",
        "it compiles without warnings and logs nothing"
    );
}

#[test]
fn two_versions_of_the_runtime_cannot_be_in_one_program() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other = folder.path().join("other");
    fs::create_dir_all(other.join("src")).expect("a crate's folder");
    fs::write(other.join("src/lib.rs"), "").expect("a library");
    let manifest = "[package]\nname = \"bus-runtime\"\nversion = \"0.2.0\"\nedition = \"2024\"\nlinks = \"bus_runtime\"\n\
                    build = \"build.rs\"\n";
    fs::write(other.join("Cargo.toml"), manifest).expect("a manifest");
    fs::write(other.join("build.rs"), "fn main() {}").expect("a build script");
    let both = folder.path().join("both");
    fs::create_dir_all(both.join("src")).expect("a crate's folder");
    fs::write(both.join("src/lib.rs"), "").expect("a library");
    let runtime = repository().join("bus-runtime");
    let manifest = format!(
        "[package]\nname = \"both\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         bus-runtime = {{ path = {runtime:?} }}\nnewer = {{ package = \"bus-runtime\", path = {other:?} }}\n"
    );
    fs::write(both.join("Cargo.toml"), manifest).expect("a manifest");

    let run = cargo(&both, &["check"]);
    let complained = text(&run.stderr);
    assert!(!run.status.success(), "{complained}");
    assert!(
        complained.contains("links to the native library `bus_runtime`"),
        "{complained}"
    );
}

#[test]
fn a_codec_whose_feature_is_off_names_the_feature() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir_all(folder.path().join("src")).expect("a crate's folder");
    let runtime = repository().join("bus-runtime");
    let manifest = format!(
        "[package]\nname = \"meters\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         bus-runtime = {{ path = {runtime:?} }}\nserde = {{ version = \"1\", features = [\"derive\"] }}\n"
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).expect("a manifest");
    let lock = folder.path().join("Cargo.lock");
    fs::copy(repository().join("Cargo.lock"), lock).expect("the versions that are tested");
    let program = "use bus_runtime::prelude::*;\n\
                   #[derive(Serialize, Deserialize, Event)]\n\
                   #[event(topic = \"meters.read\", key = Unordered, codec = Protobuf)]\n\
                   pub struct MeterRead;\n\
                   #[event_handler(topic = \"meters.sent\", key = Unordered)]\n\
                   pub async fn sum(_: MessagePack<MeterRead>) {}\n";
    fs::write(folder.path().join("src/lib.rs"), program).expect("a program");

    let check = cargo(folder.path(), &["check"]);
    let complained = text(&check.stderr);
    let errors: Vec<_> = complained
        .lines()
        .filter(|line| line.starts_with("error[") || line.starts_with("error:"))
        .collect();
    let fix = |format: &str, feature: &str| {
        format!(
            "error[E0277]: `{format}` needs the cargo feature `{feature}` of `bus-runtime`: add it to `features` in \
             `Cargo.toml`"
        )
    };
    let (expected, last) = (
        [
            fix("Protobuf", "protobuf"),
            fix("MessagePack", "messagepack"),
        ],
        "error: could not compile",
    );
    assert_eq!(errors.len(), 3, "{complained}");
    assert_eq!(errors[..2], expected, "{complained}");
    assert!(errors[2].starts_with(last), "{complained}");
}
