//! What cargo takes.

use rustix::param::clock_ticks_per_second;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Runs cargo in a folder, without an incremental cache, and tells the seconds of CPU time that it took with all its
/// compilers: unlike wall-clock time, it does not depend much on what else the machine does.
pub(crate) fn cargo(arguments: &[&str], folder: &Path, target: &Path) -> io::Result<f64> {
    let before = of_children()?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo
        .args(arguments)
        .arg("--quiet")
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .env("CARGO_INCREMENTAL", "0");
    let status = cargo.status()?;
    if !status.success() {
        return Err(io::Error::other(format!("{cargo:?} ended with {status}")));
    }
    Ok(of_children()? - before)
}

/// The same, when the crate's own source is to be compiled again.
pub(crate) fn again(arguments: &[&str], folder: &Path, target: &Path) -> io::Result<f64> {
    let source = File::options()
        .append(true)
        .open(folder.join("src/main.rs"))?;
    source.set_modified(SystemTime::now())?;
    cargo(arguments, folder, target)
}

/// The CPU time of the children that have ended, and of theirs, in seconds.
fn of_children() -> io::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    children(&stat).ok_or_else(|| io::Error::other(format!("/proc/self/stat has no times: {stat}")))
}

fn children(stat: &str) -> Option<f64> {
    // The program's name, in parentheses, may have spaces.
    let (_, fields) = stat.rsplit_once(") ")?;
    // The state is field 3; the children's user and system time are 16 and 17.
    let mut times = fields.split(' ').skip(13).map(str::parse::<u64>);
    let ticks = times.next()?.ok()? + times.next()?.ok()?;
    Some(Duration::from_millis(ticks * 1000 / clock_ticks_per_second()).as_secs_f64())
}
