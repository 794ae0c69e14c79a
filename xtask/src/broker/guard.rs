//! Sees to it that a server and its folder do not outlive the process that started it.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Reads the id of the server to watch, one a line, an empty line for none. Its input ends when the process
/// that started it ends, however that happens; then it kills the server and removes the folder. The server
/// may be writing its last file while the folder is removed: hence the second try.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
server=
while read -r line; do server=$line; done
if [ -n "$server" ]; then kill -9 "$server"; fi
for pause in 0.02 0.1 0.5 2; do
    rm -rf "$0" && exit
    sleep "$pause"
done
rm -rf "$0"
"#;

/// A shell that waits for the end of this process. It has a process group of its own, so that it is there
/// to clean up when the whole group of its starter is killed.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
    folder: PathBuf,
}

impl Guard {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .arg(folder)
            .stdin(Stdio::piped())
            // Not those of a test: whoever reads them would wait for the guard.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let folder = folder.to_owned();
        Ok(Self { shell, folder })
    }

    /// Watches this process from now on.
    pub(super) fn watch(&mut self, server: u32) -> io::Result<()> {
        self.tell(&server.to_string())
    }

    /// Watches no process: to be called before the last one is reaped, whose id may then be used again.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.tell("")
    }

    fn tell(&mut self, line: &str) -> io::Result<()> {
        let input = self.shell.stdin.as_mut();
        writeln!(input.expect("the pipe is taken only at drop"), "{line}")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let ended = self.shell.wait();
        if self.folder.exists() {
            eprintln!("{} could not be removed: {ended:?}", self.folder.display());
        }
    }
}
