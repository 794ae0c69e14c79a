//! The jars of Apache Kafka.

use super::find_error::FindError;
use super::provide::{chosen, download, folder, keep};
use std::fs;
use std::path::{self, Path, PathBuf};
use std::process::Command;

/// The environment variable that names the folder with the jars. What it names was chosen by somebody: nothing else
/// takes its place.
pub(super) const VARIABLE: &str = "KAFKA_JARS";

/// The Kafka that is fetched.
const KAFKA: &str = "4.3.1";

/// The logger that is fetched: the newest of the line that this Kafka's own interface is of.
const LOGGER: &str = "1.7.36";

/// How the names of the two begin; all others they bring along.
const NEEDED: [&str; 2] = ["kafka_2.13-", "slf4j-simple-"];

/// What copies the jars. The version is named, so that tomorrow's run does what today's does.
const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// Finds the folder that the variable names, else the one that was fetched earlier.
pub(super) fn find() -> Result<PathBuf, FindError> {
    checked(chosen(VARIABLE).unwrap_or_else(kept))
}

/// Finds the jars, or fetches them and keeps them for the next time. Maven runs on the Java of this home, or else on
/// the one that it finds.
pub(super) fn provide(java_home: Option<&Path>) -> Result<PathBuf, String> {
    let missing = match find() {
        Ok(folder) => return Ok(folder),
        Err(error) if chosen(VARIABLE).is_some() => return Err(format!("{VARIABLE}: {error}")),
        Err(error) => error,
    };
    let fetched = fetch(java_home).map_err(|error| {
        format!(
            "{missing}, and fetching Kafka failed: {error}; install Maven (mvn) into PATH, or set {VARIABLE} to a folder \
             with the jars org.apache.kafka:kafka_2.13:{KAFKA}, org.slf4j:slf4j-simple:{LOGGER} and all that they depend \
             on"
        )
    });
    fetched.map(|()| kept())
}

/// Where the fetched jars are kept; the version is in the name, so that a new pin is fetched anew.
fn kept() -> PathBuf {
    folder().join(format!("kafka-{KAFKA}"))
}

fn fetch(java_home: Option<&Path>) -> Result<(), String> {
    keep(&kept(), |folder| {
        let project = format!(
            "<project><modelVersion>4.0.0</modelVersion>\
             <groupId>xtask</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>\
             <dependencies>{}{}</dependencies></project>\n",
            dependency("org.apache.kafka", "kafka_2.13", KAFKA),
            dependency("org.slf4j", "slf4j-simple", LOGGER),
        );
        fs::write(folder.join("pom.xml"), project).map_err(|error| error.to_string())?;
        let mut maven = Command::new("mvn");
        maven
            .args(["--quiet", "--batch-mode", "-Dstyle.color=never", COPY])
            .args(["-DincludeScope=runtime", "-DoutputDirectory=jars"])
            .current_dir(folder);
        if let Some(home) = java_home {
            maven.env("JAVA_HOME", home);
        }
        download(&mut maven)?;
        checked(folder.join("jars")).map_err(|error| error.to_string())
    })
}

/// The folder, absolute, if the jars are there.
fn checked(folder: PathBuf) -> Result<PathBuf, FindError> {
    let folder = path::absolute(&folder).unwrap_or(folder);
    // A folder that cannot be read has none.
    let entries = fs::read_dir(&folder).into_iter().flatten();
    let names: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let is_there = |jar: &str| names.iter().any(|name| name.starts_with(jar));
    match NEEDED.into_iter().find(|jar| !is_there(jar)) {
        None => Ok(folder),
        Some(jar) => Err(FindError::NoJar { folder, jar }),
    }
}

fn dependency(group: &str, artifact: &str, version: &str) -> String {
    format!(
        "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
         <version>{version}</version></dependency>"
    )
}
