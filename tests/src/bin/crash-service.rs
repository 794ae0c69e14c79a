//! A service that is killed: a real bus whose handlers write each of their steps to the standard output before they
//! go on, one line and one system call each.
//!
//! Arguments: the broker's URL; then `early` to acknowledge events before they are settled, which is the mistake that
//! the test has to find, or `stuck` to do that and to get stuck after a while. It ends by itself when its standard
//! input does.

use bus_runtime::prelude::*;
use std::error::Error;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tests::load::{Numbered, TOPICS};
use tests::record::{Record, Step};

const AGAIN: Retry = Retry::attempts(5).backoff(Duration::from_millis(5), Duration::from_millis(5));

/// Attempts before a service that is to get stuck does.
const UNTIL_STUCK: u32 = 1000;

/// Where the steps are written.
#[derive(Clone)]
struct Out {
    file: Arc<File>,
    /// Attempts that are left, if it is to get stuck.
    left: Option<Arc<AtomicU32>>,
}

impl Out {
    fn write(&self, step: Step, event: Numbered) {
        let line = Record { step, event }.to_string();
        // Shorter than what a pipe takes whole: a record is there or it is not.
        let written = (&*self.file).write_all(line.as_bytes());
        written.expect("the test reads until it has killed this process");
    }

    fn gets_stuck(&self) -> bool {
        let take = |left: u32| left.checked_sub(1);
        let take =
            |left: &Arc<AtomicU32>| left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        self.left.as_ref().is_some_and(|left| take(left).is_err())
    }
}

async fn handle(out: &Out, event: Numbered, attempt: u32) -> Result {
    out.write(Step::Started, event);
    // What may run at the same time does it here.
    tokio::task::yield_now().await;
    if out.gets_stuck() {
        pending::<()>().await;
    }
    if event.is_poisoned() {
        out.write(Step::Dead, event);
        return Err(HandlerError::permanent("it is poisoned"));
    }
    if event.fails_first() && attempt == 1 {
        out.write(Step::Failed, event);
        Err("the first attempt fails")?;
    }
    out.write(Step::Settled, event);
    Ok(())
}

macro_rules! handlers {
    ($($name:ident: $topic:expr),+) => {$(
        #[event_handler(topic = $topic, key = event.key, retry = AGAIN)]
        async fn $name(Json(event): Json<Numbered>, State(out): State<Out>, about: Metadata) -> Result {
            handle(&out, event, about.attempt).await
        }
    )+};
}

handlers!(a: TOPICS[0], b: TOPICS[1], c: TOPICS[2], d: TOPICS[3], e: TOPICS[4]);

#[event_bus(group = "crash", state = Out, handlers = [a, b, c, d, e])]
struct Killed;

#[tokio::main(worker_threads = 2)]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the broker's URL is missing")?;
    let mistake = arguments.next();
    match mistake.as_deref() {
        Some("early" | "stuck") => bus_runtime::testing::acknowledge_early(),
        Some(other) => Err(format!("`{other}` is not known"))?,
        None => {}
    }
    let stuck = mistake.as_deref() == Some("stuck");
    let out = Out {
        file: Arc::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
        left: stuck.then(|| Arc::new(AtomicU32::new(UNTIL_STUCK))),
    };
    // Few at once, so that many wait when the process is killed.
    let config = Config::new(url)
        .in_flight(32)
        .buffer(4096)
        .commit_interval(Duration::from_millis(20));
    let bus = Killed::new(config).start(out).await?;
    let (end, ended) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // An input that cannot be read has ended.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        // Nobody waits only when the bus has ended already.
        let _ = end.send(());
    });
    let report = bus.run_until(ended).await?;
    eprintln!("{report}");
    Ok(())
}
