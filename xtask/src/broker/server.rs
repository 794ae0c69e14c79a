//! A broker for one test.

use super::kind::Kind;
use super::port::Port;
use super::process::{POLL, Process};
use super::start_error::StartError;
use rustix::process::Signal;
use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to answer or to end: far more than it needs, on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A real broker on 127.0.0.1, with ports and a store of its own: a [`Nats`](super::Nats) or a
/// [`Kafka`](super::Kafka).
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
pub struct Server<K: Kind> {
    kind: K,
    ports: Vec<Port>,
    url: String,
    process: Process,
}

impl<K: Kind> Server<K> {
    /// Starts a server and waits until it answers.
    ///
    /// # Panics
    ///
    /// When there is no such server, or when it does not start. A test is never skipped for that.
    #[must_use = "the server is killed when this is dropped"]
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with("")
    }

    /// Starts a server with lines for its configuration file.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start), and when the server refuses the configuration.
    #[must_use = "the server is killed when this is dropped"]
    #[track_caller]
    pub fn start_with(lines: &str) -> Self {
        match Self::try_start(lines) {
            Ok(server) => server,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts a server with lines for its configuration file, which may be empty.
    ///
    /// # Errors
    ///
    /// There is no such server, the system refuses a process or a folder, or the server ends or does not
    /// answer.
    pub fn try_start(lines: &str) -> Result<Self, StartError> {
        let kind = K::find().map_err(StartError::missing::<K>)?;
        let process = Process::none(&format!("bus-{}-", K::SCHEME));
        let mut server = Self {
            kind,
            ports: Vec::new(),
            url: String::new(),
            process: process.map_err(StartError::system::<K>)?,
        };
        loop {
            let ports = (0..K::PORTS).map(|_| Port::reserve()).collect();
            server.ports = io::Result::map_err(ports, StartError::system::<K>)?;
            server.prepare(lines)?;
            match server.launch() {
                Ok(()) => break,
                Err(StartError::Ended { log, .. }) if is_port_taken(&log) => {}
                Err(error) => return Err(error),
            }
        }
        server.url = format!("{}://127.0.0.1:{}", K::SCHEME, server.ports[0].number());
        Ok(server)
    }

    /// A URL where nothing listens: each connection is refused at once.
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
        format!("{}://127.0.0.1:{port}", K::SCHEME)
    }

    /// The URL that the bus connects to; it stays the same when the server is restarted.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL without its scheme, `127.0.0.1:PORT`, as other clients want it.
    pub fn servers(&self) -> &str {
        &self.url[K::SCHEME.len() + "://".len()..]
    }

    /// The folder with the server's store and log.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// What the server has logged since it was first started.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The server's process id.
    ///
    /// # Panics
    ///
    /// When the server was killed or stopped.
    #[track_caller]
    pub fn pid(&self) -> u32 {
        self.process.id().expect("the server was killed or stopped")
    }

    /// Whether the server is a running process, which it is also while it is paused.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Kills the server (SIGKILL) and waits until it is gone. Does nothing when it is not running.
    ///
    /// # Panics
    ///
    /// When the system refuses the signal.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends the server as an operator would (SIGTERM) and waits until it is gone. A paused server is resumed
    /// first. Does nothing when it is not running.
    ///
    /// # Panics
    ///
    /// When the server does not end within 30 s; it is killed then.
    #[track_caller]
    pub fn stop(&mut self) {
        if !self.is_running() {
            return;
        }
        self.process.signal(Signal::CONT);
        self.process.signal(Signal::TERM);
        if self.process.wait(PATIENCE).is_none() {
            self.kill();
            panic!(
                "{} did not stop within {PATIENCE:?}: {}",
                K::NAME,
                self.log()
            );
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
        self.process.pause();
    }

    /// Lets a paused server go on (SIGCONT).
    ///
    /// # Panics
    ///
    /// When the server was killed or stopped.
    #[track_caller]
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    fn prepare(&mut self, lines: &str) -> Result<(), StartError> {
        let prepared = self
            .kind
            .prepare(self.process.folder(), &self.port_numbers(), lines);
        let Some(command) = prepared.map_err(StartError::system::<K>)? else {
            return Ok(());
        };
        self.spawn(&command)?;
        match self.process.wait(PATIENCE) {
            Some(status) if status.success() => Ok(()),
            Some(_) => Err(self.ended()),
            None => Err(self.no_answer()),
        }
    }

    fn launch(&mut self) -> Result<(), StartError> {
        let ports = self.port_numbers();
        self.spawn(&self.kind.command(self.process.folder(), &ports))?;
        let deadline = Instant::now() + PATIENCE;
        while !self.kind.answers(&ports, &self.process.log_since_launch()) {
            if !self.is_running() {
                return Err(self.ended());
            }
            if Instant::now() > deadline {
                return Err(self.no_answer());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn spawn(&mut self, command: &Command) -> Result<(), StartError> {
        self.process
            .launch(command)
            .map_err(StartError::system::<K>)
    }

    fn port_numbers(&self) -> Vec<u16> {
        self.ports.iter().map(Port::number).collect()
    }

    fn ended(&self) -> StartError {
        StartError::Ended {
            server: K::NAME,
            log: self.process.log_since_launch(),
        }
    }

    fn no_answer(&mut self) -> StartError {
        self.kill();
        StartError::NoAnswer {
            server: K::NAME,
            log: self.process.log_since_launch(),
        }
    }
}

/// Whether a server that logged this has ended because another process listens at its port.
fn is_port_taken(log: &str) -> bool {
    log.to_lowercase().contains("address already in use")
}
