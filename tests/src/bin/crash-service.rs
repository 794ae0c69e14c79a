//! A service that is killed: a real bus whose handlers write each of their steps to the standard output before they
//! go on, one line and one system call each.
//!
//! Arguments: the broker's URL; then, in any order,
//!
//! * `early`: it acknowledges events before they are settled, which is the mistake that the test has to find;
//! * `stuck=1000`: it gets stuck after so many attempts;
//! * `sound`: no event is poisoned;
//! * `other`: it is of another group;
//! * `member=7`: its number stands in front of each line, and the line `7 up` says that its bus is started.
//!
//! It ends by itself when its standard input does.

use bus_runtime::prelude::*;
use std::error::Error;
use std::fmt::Display;
use std::fs::File;
use std::future::pending;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tests::load::{Numbered, PARTITIONS, TOPICS};
use tests::record::{Record, Step};

const AGAIN: Retry = Retry::attempts(5).backoff(Duration::from_millis(5), Duration::from_millis(5));

/// Where the steps are written.
#[derive(Clone)]
struct Out {
    file: Arc<File>,
    /// What stands in front of each.
    member: Arc<str>,
    /// Attempts that are left, if it is to get stuck.
    left: Option<Arc<AtomicU32>>,
    sound: bool,
}

impl Out {
    fn write(&self, step: Step, event: Numbered) {
        self.line(Record { step, event });
    }

    fn line(&self, what: impl Display) {
        let line = format!("{}{what}", self.member);
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
    if event.is_poisoned() && !out.sound {
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

#[event_bus(group = "other", state = Out, handlers = [a, b, c, d, e])]
struct Other;

#[tokio::main(worker_threads = 2)]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("the broker's URL is missing")?;
    let mut out = Out {
        file: Arc::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
        member: "".into(),
        left: None,
        sound: false,
    };
    let mut other = false;
    for argument in arguments {
        match argument.split_once('=').unwrap_or((&argument, "")) {
            ("early", "") => bus_runtime::testing::acknowledge_early(),
            ("stuck", after) => out.left = Some(Arc::new(AtomicU32::new(after.parse()?))),
            ("sound", "") => out.sound = true,
            ("other", "") => other = true,
            ("member", number) => out.member = format!("{number} ").into(),
            _ => Err(format!("`{argument}` is not known"))?,
        }
    }
    // Few at once, so that many wait when the process is killed.
    let config = Config::new(url)
        .in_flight(32)
        .buffer(4096)
        .commit_interval(Duration::from_millis(20))
        // Kafka gives the partitions of a killed member to others after this time.
        // Long enough that a member of a busy machine is not taken for a killed one.
        .session_timeout(Duration::from_secs(5))
        .kafka_partitions(PARTITIONS);
    let bus = if other {
        Other::new(config).start(out.clone()).await?
    } else {
        Killed::new(config).start(out.clone()).await?
    };
    if !out.member.is_empty() {
        out.line("up\n");
    }
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
