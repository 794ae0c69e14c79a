//! A second signal ends the shutdown at once.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use tests::on::PATIENCE;

/// A program that runs a bus whose handler does not end; killed when this is dropped.
struct Stubborn {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Stubborn {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_stubborn"))
            .arg(url)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out: Lines<BufReader<ChildStdout>> =
            BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let (send, lines) = mpsc::channel();
        // It ends with the program.
        thread::spawn(move || {
            for line in out.map_while(Result::ok) {
                // A test that has failed reads no more.
                drop(send.send(line));
            }
        });
        Stubborn { child, lines }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("the program says more")
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process has an id"), signal)
            .expect("it is ours, and not reaped");
    }
}

impl Drop for Stubborn {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn a_second_signal_ends_at_once(url: &str) {
    let mut program = Stubborn::start(url);
    assert_eq!(program.line(), "handling");
    program.signal(Signal::TERM);
    assert_eq!(program.line(), "asked to end");
    // The deadline is a day away: nothing but the signal can end it within the test's patience.
    program.signal(Signal::TERM);
    assert_eq!(program.line(), "ended, 1 cancelled, 1 released");
    let status = program.child.wait().expect("it is ours");
    assert!(status.success(), "{status}");
}

mod memory {
    #[test]
    fn regression_07_a_second_signal_ends_at_once() {
        super::a_second_signal_ends_at_once("memory:");
    }
}

#[cfg(feature = "kafka")]
mod kafka {
    use tests::on::SharedKafka;

    #[test]
    fn regression_07_a_second_signal_ends_at_once() {
        super::a_second_signal_ends_at_once(SharedKafka::server().url());
    }
}

#[cfg(feature = "nats")]
mod nats {
    use tests::broker::Nats;

    #[test]
    fn regression_07_a_second_signal_ends_at_once() {
        let nats = Nats::start();
        super::a_second_signal_ends_at_once(nats.url());
    }
}
