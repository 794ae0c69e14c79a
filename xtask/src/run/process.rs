//! A program with a time limit, in a process group of its own.

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const POLL: Duration = Duration::from_millis(20);

/// How long the output may stay open after the program has ended.
const GRACE: Duration = Duration::from_secs(2);

/// The process group that runs now.
static RUNNING: Mutex<Option<Pid>> = Mutex::new(None);

/// Runs a program and hands its output to `output` as it comes.
///
/// The error says how the program failed: it could not be started, exited with another status than 0, took
/// longer than `limit`, or left a process behind. In the last two cases the whole process group is killed.
pub(crate) fn run(
    command: &mut Command,
    limit: Duration,
    mut output: impl FnMut(&[u8]) + Send + 'static,
) -> Result<(), String> {
    let shown = show(command);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0);

    // Held while the program starts: a signal that comes now finds it.
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut child = command
        .spawn()
        .map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    *running = group;
    drop(running);

    let mut pipe = child.stdout.take().expect("the pipe was asked for");
    let reader = thread::spawn(move || {
        let mut buffer = [0; 8192];
        // A pipe that cannot be read has ended.
        while let Ok(length @ 1..) = pipe.read(&mut buffer) {
            output(&buffer[..length]);
        }
    });

    let deadline = Instant::now() + limit;
    let mut ended = None;
    let result = loop {
        let now = Instant::now();
        if ended.is_none() {
            let status = child
                .try_wait()
                .map_err(|error| format!("`{shown}`: {error}"))?;
            ended = status.map(|status| (status, now));
        }
        match ended {
            Some((status, _)) if reader.is_finished() => {
                break if status.success() {
                    Ok(())
                } else {
                    Err(format!("`{shown}` ended with {status}"))
                };
            }
            Some((_, at)) if now > at + GRACE => {
                kill(group);
                break Err(format!(
                    "`{shown}` left a process behind that holds its output"
                ));
            }
            None if now > deadline => {
                kill(group);
                // Killed a moment ago, it is reaped at once.
                let _ = child.wait();
                break Err(format!(
                    "`{shown}` was killed: it took longer than {limit:?}"
                ));
            }
            _ => thread::sleep(POLL),
        }
    };
    *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) = None;
    result
}

/// Passes output through to the person who watches.
pub(crate) fn pass_on(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    // Nobody may be watching; the counts are still wanted.
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Kills what runs when this process is told to end, and ends it.
pub(crate) fn kill_at_signal() -> io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            kill(*running);
            eprintln!("interrupted");
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn kill(group: Option<Pid>) {
    if let Some(group) = group {
        // It may have ended by itself a moment ago.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// The command as one would type it.
fn show(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, mpsc};

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_shown_and_the_status_told() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = heard.clone();
        let result = run(
            &mut shell("echo one; echo two; exit 3"),
            Duration::from_mins(1),
            move |bytes| hearing.lock().expect("no panic").extend_from_slice(bytes),
        );
        let error = result.expect_err("the status is 3");
        assert!(error.ends_with("ended with exit status: 3"), "{error}");
        assert_eq!(*heard.lock().expect("no panic"), b"one\ntwo\n");
        run(&mut shell("true"), Duration::from_mins(1), |_| ()).expect("the status is 0");
    }

    #[test]
    fn a_program_that_takes_too_long_is_killed_with_its_children() {
        let (output, outputs) = mpsc::channel();
        // The child holds the pipe: the reader ends, and lets go of the channel, only when it is dead too.
        let result = run(
            &mut shell("sleep 600 & sleep 600"),
            Duration::from_millis(50),
            move |bytes| output.send(bytes.to_owned()).expect("it is awaited"),
        );
        let error = result.expect_err("it sleeps for ten minutes");
        assert!(error.contains("took longer than 50ms"), "{error}");
        let end = outputs.recv_timeout(Duration::from_mins(1));
        assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
    }

    #[test]
    fn a_process_left_behind_is_an_error() {
        let result = run(&mut shell("sleep 600 &"), Duration::from_mins(1), |_| ());
        let error = result.expect_err("a child holds the output");
        assert!(error.contains("left a process behind"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let result = run(
            &mut Command::new("/nowhere/program"),
            Duration::from_mins(1),
            |_| (),
        );
        let error = result.expect_err("there is no such program");
        assert!(error.starts_with("`program` cannot be run"), "{error}");
    }
}
