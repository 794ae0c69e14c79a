//! A broker for a developer's own programs.

use super::kind::Kind;
use super::server::Server;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How often the server is asked whether it still runs.
const POLL: Duration = Duration::from_millis(500);

/// Starts a broker and keeps it until Ctrl-C or until the standard input ends; then it and its store are
/// removed.
pub(crate) fn up<K: Kind>() -> Result<(), String> {
    for (variable, path) in K::provide()? {
        eprintln!("{variable}={}", path.display());
    }
    eprintln!("starting {}", K::NAME);
    let (end, ended) = mpsc::channel();
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).map_err(|error| error.to_string())?;
    let by_input = end.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            // Nobody listens only when the server is being removed already.
            let _ = end.send("at a signal");
        }
    });

    let mut server = Server::<K>::try_start("").map_err(|error| error.to_string())?;
    println!("BUS_URL={}", server.url());
    eprintln!(
        "Ctrl-C, or the end of its standard input, ends it and removes its store, {}",
        server.folder().display()
    );
    thread::spawn(move || {
        // An input that cannot be read has ended.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = by_input.send("since the standard input has ended");
    });
    loop {
        match ended.recv_timeout(POLL) {
            Err(RecvTimeoutError::Timeout) if server.is_running() => {}
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!(
                    "{} ended by itself; its log: {}",
                    K::NAME,
                    server.log()
                ));
            }
            Ok(why) => {
                eprintln!("ending {} {why}", K::NAME);
                break;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    server.stop();
    Ok(())
}
