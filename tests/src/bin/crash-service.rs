//! A service that is killed: a real bus whose handlers write each of their steps to the standard output before they
//! go on, one line and one system call each.
//!
//! Arguments: the broker's URL; then `early` to acknowledge events before they are settled, which is the mistake that
//! the test has to find. It ends by itself when its standard input does.

use bus_runtime::prelude::*;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;
use tests::load::{Numbered, TOPICS};
use tests::record::{Record, Step};

const AGAIN: Retry = Retry::attempts(5).backoff(Duration::from_millis(5), Duration::from_millis(5));

/// Where the steps are written.
#[derive(Clone)]
struct Out(Arc<File>);

impl Out {
    fn write(&self, step: Step, event: Numbered) {
        let line = Record { step, event }.to_string();
        // Shorter than what a pipe takes whole: a record is there or it is not.
        let written = (&*self.0).write_all(line.as_bytes());
        written.expect("the test reads until it has killed this process");
    }
}

async fn handle(out: &Out, event: Numbered, attempt: u32) -> Result {
    out.write(Step::Started, event);
    // What may run at the same time does it here.
    tokio::task::yield_now().await;
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
    match arguments.next().as_deref() {
        Some("early") => bus_runtime::testing::acknowledge_early(),
        Some(other) => Err(format!("`{other}` is not known"))?,
        None => {}
    }
    let out = Out(Arc::new(File::from(
        io::stdout().as_fd().try_clone_to_owned()?,
    )));
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
