//! Processes of one group at the same time, and what they do, in one order.

use crate::load::Numbered;
use crate::patience::PATIENCE;
use crate::record::{History, Record};
use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Processes of a service that write each step of their handlers before they go on, all into one pipe: the kernel
/// puts the steps of all of them into one order, and a step that was written before another one began comes first.
#[derive(Debug)]
pub struct Members {
    program: PathBuf,
    url: String,
    pipe: PipeWriter,
    lines: Receiver<(u32, Line)>,
    running: Vec<Member>,
    /// How many were started; the last one's number.
    started: u32,
    /// Those that have said that their bus is started.
    up: Vec<u32>,
    is_over: bool,
    /// What was read so far.
    pub history: History,
}

/// One process.
#[derive(Debug)]
struct Member {
    number: u32,
    child: Child,
    /// The service ends with it.
    input: Option<ChildStdin>,
}

#[derive(Debug)]
enum Line {
    Up,
    /// Written here, once the process is gone: everything that it wrote is in front of it.
    Killed,
    /// Written here, behind everything.
    Last,
    Step(Record),
}

impl Members {
    /// None yet, of the service with this path, on this broker.
    ///
    /// # Panics
    ///
    /// When the system gives no pipe.
    #[must_use]
    pub fn new(program: &str, url: &str) -> Self {
        let (reader, pipe) = std::io::pipe().expect("the system gives a pipe");
        Members {
            program: program.into(),
            url: url.to_owned(),
            pipe,
            lines: read(reader),
            running: Vec::new(),
            started: 0,
            up: Vec::new(),
            is_over: false,
            history: History::default(),
        }
    }

    /// Starts one more, with these arguments beside its number, which is returned: 1, 2, 3, …
    ///
    /// # Panics
    ///
    /// When it cannot be run.
    pub fn start(&mut self, arguments: &[&str]) -> u32 {
        self.started += 1;
        let number = self.started;
        let pipe = self.pipe.try_clone().expect("the pipe is open");
        let mut child = Command::new(&self.program)
            .args([&*self.url, &format!("member={number}")])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(pipe)
            .spawn()
            .expect("the service runs");
        let input = child.stdin.take();
        self.running.push(Member {
            number,
            child,
            input,
        });
        number
    }

    /// The number of one that runs: 0 is that of the oldest.
    #[must_use]
    pub fn number(&self, at: usize) -> u32 {
        self.running[at].number
    }

    /// Reads the next line, unless none comes for so long.
    pub fn read(&mut self, patience: Duration) -> bool {
        let line = self.lines.recv_timeout(patience);
        line.is_ok_and(|(member, line)| {
            match line {
                Line::Up => self.up.push(member),
                Line::Last => self.is_over = true,
                Line::Killed => self.history.killed(member),
                Line::Step(record) => self.history.step_of(member, record),
            }
            true
        })
    }

    /// Reads until this holds.
    ///
    /// # Panics
    ///
    /// When nothing comes any more before.
    #[track_caller]
    pub fn read_until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        while !holds(self) {
            let read = self.read(PATIENCE);
            assert!(
                read,
                "{what}: no step within {PATIENCE:?}: {:?}",
                self.history.broken
            );
        }
    }

    /// Reads until the bus of this one is started.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[track_caller]
    pub fn until_up(&mut self, number: u32) {
        let deadline = Instant::now() + PATIENCE;
        self.read_until("it starts", |members| {
            assert!(Instant::now() < deadline, "it does not start");
            members.up.contains(&number)
        });
    }

    /// Reads until so many events are settled.
    ///
    /// # Panics
    ///
    /// When nothing comes any more before.
    #[track_caller]
    pub fn until_settled(&mut self, events: u64) {
        self.read_until("events are settled", |members| {
            members.history.settled() >= events
        });
    }

    /// Kills one (SIGKILL).
    ///
    /// # Panics
    ///
    /// When there is none of this number.
    pub fn kill(&mut self, number: u32) {
        let mut member = self.take(number);
        member.child.kill().expect("it is ours");
        member.child.wait().expect("it is ours");
        self.write(&format!("{number} killed\n"));
    }

    /// Ends one as an operator would, and waits until it has ended.
    ///
    /// # Panics
    ///
    /// When there is none of this number, or when it does not end well.
    pub fn end(&mut self, number: u32) {
        let mut member = self.take(number);
        drop(member.input.take());
        let ended = member.child.wait().expect("it is ours");
        assert!(ended.success(), "{ended}");
    }

    /// Ends all, and reads what they have written.
    ///
    /// # Panics
    ///
    /// When one does not end well.
    #[must_use]
    pub fn close(mut self) -> History {
        while !self.running.is_empty() {
            self.end(self.number(0));
        }
        // So that it is known when everything was read.
        self.write("0 last\n");
        self.read_until("the last line", |members| members.is_over);
        self.history
    }

    /// Which of these are neither settled nor dead.
    #[must_use]
    pub fn lost(&self, events: impl Iterator<Item = Numbered>) -> Vec<Numbered> {
        events.filter(|event| !self.history.has(*event)).collect()
    }

    fn write(&self, line: &str) {
        let written = (&self.pipe).write_all(line.as_bytes());
        written.expect("it is read");
    }

    fn take(&mut self, number: u32) -> Member {
        let at = self
            .running
            .iter()
            .position(|member| member.number == number);
        self.running.remove(at.expect("it runs"))
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Of a test that failed; else it has ended, and there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads always, so that nobody waits who writes.
fn read(pipe: PipeReader) -> Receiver<(u32, Line)> {
    let (send, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines() {
            let line = line.expect("it is text");
            let line = parse(&line).unwrap_or_else(|| panic!("`{line}` is no line of a member"));
            // The test has ended, if it reads no more.
            if send.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn parse(line: &str) -> Option<(u32, Line)> {
    let (member, what) = line.split_once(' ')?;
    let line = match what {
        "up" => Line::Up,
        "killed" => Line::Killed,
        "last" => Line::Last,
        step => Line::Step(step.parse().ok()?),
    };
    Some((member.parse().ok()?, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_member_and_a_step() {
        assert!(matches!(parse("7 up"), Some((7, Line::Up))));
        assert!(matches!(parse("7 killed"), Some((7, Line::Killed))));
        assert!(matches!(parse("7 started 1 2"), Some((7, Line::Step(_)))));
        assert!(parse("started 1 2").is_none());
        assert!(parse("7 begun 1 2").is_none());
    }
}
