//! One process after another in a folder, of which nothing is left.

use super::guard::Guard;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How often a process is looked at while it starts or ends.
pub(super) const POLL: Duration = Duration::from_millis(5);

/// Waits for a line before it becomes the program, so that the guard knows the process before it can do
/// anything; without the line (its starter was killed) it ends.
const LAUNCH: &str = r#"read -r go && exec "$0" "$@" </dev/null"#;

/// A process, or none, with a log and a folder of its own.
///
/// It is killed and the folder removed when this is dropped, and when the process that started it is killed.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
    folder: PathBuf,
    guard: Guard,
    /// How long the log was when the process was launched.
    logged_before: usize,
}

impl Process {
    /// None yet, in an empty folder whose name begins so.
    pub(super) fn none(prefix: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir()?;
        let guard = Guard::new(folder.path())?;
        Ok(Self {
            child: None,
            // From here on the guard removes it.
            folder: folder.keep(),
            guard,
            logged_before: 0,
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was logged since the first launch.
    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log_bytes()).into_owned()
    }

    /// What was logged since the last launch.
    pub(super) fn log_since_launch(&self) -> String {
        let log = self.log_bytes();
        let new = log.get(self.logged_before..).unwrap_or_default();
        String::from_utf8_lossy(new).into_owned()
    }

    /// The id, unless the process is known to have ended.
    pub(super) fn id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts a program in the folder. None may be running.
    pub(super) fn launch(&mut self, command: &Command) -> io::Result<()> {
        self.logged_before = self.log_bytes().len();
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let mut child = Command::new("sh")
            .args(["-c", LAUNCH])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(&self.folder)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal reaches the test; what becomes of the server is the test's to say.
            .process_group(0)
            .spawn()?;
        let go = child.stdin.take();
        self.guard.watch(child.id())?;
        self.child = Some(child);
        writeln!(go.expect("the pipe was asked for"), "go")
    }

    /// Whether it is running, which it is also while it is paused.
    pub(super) fn is_running(&mut self) -> bool {
        self.reap();
        self.child.is_some()
    }

    /// Waits until it has ended, but not longer than this.
    pub(super) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            let ended = self.reap();
            if ended.is_some() || Instant::now() > deadline {
                return ended;
            }
            thread::sleep(POLL);
        }
    }

    /// Kills it (SIGKILL) and waits until it is gone. Does nothing when there is none.
    pub(super) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("the process is ours, and not reaped");
            // If the guard is gone, there is nobody to be told.
            let _ = self.guard.forget();
            child.wait().expect("the process is ours, and not reaped");
        }
    }

    #[track_caller]
    pub(super) fn signal(&self, signal: Signal) {
        kill_process(self.raw_pid(), signal).expect("the process is ours, and not reaped");
    }

    /// Freezes it (SIGSTOP): nothing of it runs any more when this returns.
    #[track_caller]
    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
        // The signal is only on its way: the threads stop one by one. A process that has ended stops neither;
        // it is left to be reaped where all are.
        let seen = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.raw_pid()), seen).expect("the process is ours, and not reaped");
    }

    #[track_caller]
    fn raw_pid(&self) -> Pid {
        let id = self.id().expect("the server was killed or stopped");
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        pid.expect("a process id is positive")
    }

    fn reap(&mut self) -> Option<ExitStatus> {
        let child = self.child.as_mut()?;
        let status = child
            .try_wait()
            .expect("the process is ours, and not reaped")?;
        self.child = None;
        // Its id may become somebody else's. A guard that is gone kills nobody.
        let _ = self.guard.forget();
        Some(status)
    }

    fn log_bytes(&self) -> Vec<u8> {
        // Before the first launch there is none.
        fs::read(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // The guard kills it too and removes the folder; here it is reaped. A panic would hide the test's.
            let _ = child.kill();
            let _ = self.guard.forget();
            let _ = child.wait();
        }
    }
}
