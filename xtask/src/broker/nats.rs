//! A nats-server for one test.

use super::find;
use super::guard::Guard;
use super::port::Port;
use super::start_error::StartError;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer or to end: far more than it needs, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// How often a server is asked whether it is there, while it starts or ends.
const POLL: Duration = Duration::from_millis(5);

/// Waits for a line before it becomes the server, so that the guard knows the process before it can do
/// anything; without the line (its starter was killed) it ends.
const LAUNCH: &str = r#"read -r go && exec "$0" "$@" </dev/null"#;

/// A real nats-server with `JetStream` on 127.0.0.1, with a port and a store of its own.
///
/// It is killed and its store removed when this is dropped, also by a panic, and when the process that
/// started it is killed.
///
/// ```no_run
/// let mut nats = xtask::broker::Nats::start();
/// let url = nats.url().to_owned();
/// nats.kill();
/// nats.restart();
/// assert_eq!(nats.url(), url);
/// ```
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    port: Port,
    url: String,
    server: Option<Child>,
    folder: PathBuf,
    guard: Guard,
}

impl Nats {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When there is no nats-server, or when it does not start. A test is never skipped for that.
    #[must_use = "the server is killed when this is dropped"]
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server with lines for its configuration file, such as `max_payload: 1024`.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and when the server refuses the configuration.
    #[must_use = "the server is killed when this is dropped"]
    #[track_caller]
    pub fn start_with(config: &str) -> Self {
        match Self::try_start(config) {
            Ok(nats) => nats,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a server with lines for its configuration file, which may be empty.
    ///
    /// # Errors
    ///
    /// There is no nats-server, the system refuses a process or a folder, or the server ends or does not
    /// answer.
    pub fn try_start(config: &str) -> Result<Self, StartError> {
        let program = find::find()?;
        let folder = tempfile::Builder::new().prefix("bus-nats-").tempdir()?;
        let guard = Guard::new(folder.path())?;
        let mut nats = Self {
            program,
            port: Port::reserve()?,
            url: String::new(),
            server: None,
            // From here on the guard removes it.
            folder: folder.keep(),
            guard,
        };
        fs::write(nats.folder.join("nats.conf"), config)?;
        loop {
            match nats.launch() {
                Ok(()) => break,
                Err(StartError::Ended { log }) if log.contains("address already in use") => {
                    fs::remove_file(nats.folder.join("log"))?;
                    nats.port = Port::reserve()?;
                }
                Err(error) => return Err(error),
            }
        }
        nats.url = format!("nats://127.0.0.1:{}", nats.port.number());
        Ok(nats)
    }

    /// A `nats://` URL where nothing listens: each connection is refused at once.
    ///
    /// # Panics
    ///
    /// When a connection there is not refused.
    #[track_caller]
    pub fn refused_url() -> String {
        // No program is given this port by the system, and only root could take it.
        let port = 1;
        match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            other => panic!("a connection to port {port} is not refused, but is {other:?}"),
        }
        format!("nats://127.0.0.1:{port}")
    }

    /// The URL that clients connect to; it stays the same when the server is restarted.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The folder with the server's store and log.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server has logged since it was first started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The server's process id.
    ///
    /// # Panics
    ///
    /// When the server was killed or stopped.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        let server = self.server.as_ref();
        server.expect("the server was killed or stopped").id()
    }

    /// Whether the server is a running process, which it is also while it is paused.
    pub fn is_running(&mut self) -> bool {
        let server = self.server.as_mut();
        let runs = server.is_some_and(|server| matches!(server.try_wait(), Ok(None)));
        if !runs && self.server.take().is_some() {
            // It is reaped now, and its id may become somebody else's. A guard that is gone kills nobody.
            let _ = self.guard.forget();
        }
        runs
    }

    /// Kills the server (SIGKILL) and waits until it is gone. Does nothing when it is not running.
    ///
    /// # Panics
    ///
    /// When the system refuses the signal.
    #[track_caller]
    pub fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().expect("the process is ours, and not reaped");
            // If the guard is gone, there is nobody to be told.
            let _ = self.guard.forget();
            server.wait().expect("the process is ours, and not reaped");
        }
    }

    /// Ends the server as an operator would (SIGTERM) and waits until it is gone. A paused server is resumed
    /// first. Does nothing when it is not running.
    ///
    /// # Panics
    ///
    /// When the server does not end within 30 s; it is killed then.
    #[track_caller]
    pub fn stop(&mut self) {
        if self.server.is_none() {
            return;
        }
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while self.is_running() {
            if Instant::now() > deadline {
                self.kill();
                panic!(
                    "nats-server did not stop within {PATIENCE:?}: {}",
                    self.log()
                );
            }
            thread::sleep(POLL);
        }
    }

    /// Starts the server again, on the same port and store, and waits until it answers. One that still runs is
    /// stopped first.
    ///
    /// # Panics
    ///
    /// When the server does not start.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        if let Err(error) = self.launch() {
            panic!("{error}");
        }
    }

    /// Freezes the server (SIGSTOP): its connections stay open, and nothing answers any more when this returns.
    ///
    /// # Panics
    ///
    /// When the server was killed or stopped.
    #[track_caller]
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        // The signal is only on its way: the threads of the server stop one by one. A server that has ended
        // answers neither; it is left to be reaped where all are.
        let seen = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(self.raw_pid()), seen).expect("the process is ours, and not reaped");
    }

    /// Lets a paused server go on (SIGCONT).
    ///
    /// # Panics
    ///
    /// When the server was killed or stopped.
    #[track_caller]
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    #[track_caller]
    fn signal(&self, signal: Signal) {
        kill_process(self.raw_pid(), signal).expect("the process is ours, and not reaped");
    }

    #[track_caller]
    fn raw_pid(&self) -> Pid {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw);
        pid.expect("a process id is positive")
    }

    fn launch(&mut self) -> Result<(), StartError> {
        let port = self.port.number();
        // Told apart from a server of somebody else that has the port.
        let name = format!("bus-{}-{}", std::process::id(), port);
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))?;
        let mut server = Command::new("sh")
            .args(["-c", LAUNCH])
            .arg(&self.program)
            .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
            .args(["--name", &name, "--jetstream", "--store_dir"])
            .arg(self.folder.join("store"))
            .arg("--config")
            .arg(self.folder.join("nats.conf"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Ctrl-C in a terminal reaches the test; what becomes of the server is the test's to say.
            .process_group(0)
            .spawn()?;
        let go = server.stdin.take();
        self.guard.watch(server.id())?;
        self.server = Some(server);
        writeln!(go.expect("the pipe was asked for"), "go")?;

        let deadline = Instant::now() + PATIENCE;
        while !answers(port, &name) {
            if !self.is_running() {
                return Err(StartError::Ended { log: self.log() });
            }
            if Instant::now() > deadline {
                self.kill();
                return Err(StartError::NoAnswer { log: self.log() });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // The guard kills it too and removes the folder; here it is reaped. A panic would hide the test's.
            let _ = server.kill();
            let _ = self.guard.forget();
            let _ = server.wait();
        }
    }
}

/// Whether the server with this name greets a client.
fn answers(port: u16, name: &str) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let greeting = || -> io::Result<String> {
        let client = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        client.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut line = String::new();
        BufReader::new(client).read_line(&mut line)?;
        Ok(line)
    };
    greeting().is_ok_and(|line| {
        line.starts_with("INFO ") && line.contains(&format!("\"server_name\":\"{name}\""))
    })
}
