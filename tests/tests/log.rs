//! Warnings and errors are heard, whether the service has a subscriber for its log or not.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use tests::on::PATIENCE;

/// The service; killed when this is dropped.
struct Service {
    child: Child,
    errors: Receiver<String>,
}

impl Service {
    fn start(url: &str) -> Self {
        let mut child = command(url)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let errors = BufReader::new(child.stderr.take().expect("it was asked for")).lines();
        let (send, received) = mpsc::channel();
        // It ends with the program.
        thread::spawn(move || {
            for line in errors.map_while(Result::ok) {
                // A test that has failed reads no more.
                drop(send.send(line));
            }
        });
        Service {
            child,
            errors: received,
        }
    }

    /// Waits for a line that begins so.
    #[track_caller]
    fn says(&self, begin: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.errors.recv_timeout(PATIENCE) {
                Ok(line) if line.starts_with(begin) => return line,
                Ok(line) => before.push(line),
                Err(error) => panic!("`{begin}` was not said: {error}; but {before:?}"),
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-service"));
    command.arg(url);
    command
}

/// Warnings and errors come one a line, with their fields; `meanwhile` happens before the service ends.
fn without_a_subscriber_it_is_on_stderr(url: &str, meanwhile: impl FnOnce(&Service)) {
    let mut service = Service::start(url);
    let letter = service.says("bus warning: dead letter: ");
    let (said, fields) = letter.split_once(", ").expect("it has fields");
    assert_eq!(said, "bus warning: dead letter: it is\\npoisoned");
    let (handler, id) = fields.split_once(", id=").expect("it has an id");
    assert_eq!(
        handler,
        "handler=log_service::refuse, topic=log.poison, key=k"
    );
    assert!(id.ends_with(", reason=permanent"), "{id}");
    meanwhile(&service);
    drop(service.child.stdin.take());
    let forgotten = service.says("bus error: dropped while it runs");
    assert!(
        forgotten.ends_with(", bus=log_service::Service"),
        "{forgotten}"
    );
}

mod memory {
    use super::*;

    #[test]
    fn without_a_subscriber_it_is_on_stderr() {
        super::without_a_subscriber_it_is_on_stderr("memory:", |_| {});
    }

    #[test]
    fn with_a_subscriber_it_is_there_alone() {
        let output = command("memory:")
            .arg("subscriber")
            .stdin(Stdio::null())
            .output()
            .expect("the program runs");
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(err, "", "nothing is said twice");
        let lines: Vec<_> = out.lines().collect();
        assert!(
            matches!(lines[..], [letter, forgotten]
                if letter.starts_with("WARN dead letter: it is") && forgotten.starts_with("ERROR dropped while it runs")),
            "{out}"
        );
    }
}

#[cfg(any(feature = "nats", feature = "kafka"))]
fn a_lost_connection_is_on_stderr<K: tests::broker::Kind>() {
    let mut broker = tests::broker::Server::<K>::start();
    let url = broker.url().to_owned();
    without_a_subscriber_it_is_on_stderr(&url, |service| {
        broker.kill();
        service.says("bus warning: the connection to the broker is lost");
    });
}

#[cfg(feature = "nats")]
mod nats {
    #[test]
    fn a_lost_connection_is_on_stderr() {
        super::a_lost_connection_is_on_stderr::<tests::broker::NatsServer>();
    }
}

#[cfg(feature = "kafka")]
mod kafka {
    #[test]
    fn a_lost_connection_is_on_stderr() {
        super::a_lost_connection_is_on_stderr::<tests::broker::KafkaServer>();
    }
}
