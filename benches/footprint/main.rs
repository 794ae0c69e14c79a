//! What a process has before, while and after a bus runs in it: tasks by kind, threads, descriptors, live heap. This bus
//! on each transport, for one topic and for many, beside a bus with a pool for each topic and beside one pool of hash
//! lanes. An argument is a number of topics more, for which a crate is generated and compiled.
//!
//! Each is looked at in a process of its own.

mod generated;
#[path = "../../tests/tests/footprint/handlers.rs"]
mod handlers;
mod ours;
mod post_mortem;
mod shown;

use benches::footprint::{Counting, Gate, Visit};
use post_mortem::Design;
use shown::Seen;
use std::io;
use std::process::{Command, Stdio};
use std::{env, process};
use xtask::broker::{Kafka, Nats};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How many topics: on the memory transport and NATS, and for the post-mortem's designs.
const TOPICS: [u32; 4] = [1, 5, 20, 1000];

/// How many topics on Kafka, whose server has files for each.
const ON_KAFKA: [u32; 4] = [1, 5, 20, 100];

/// The names of the post-mortem's designs, as arguments.
const POOL_PER_TOPIC: &str = "pool-per-topic";
const HASH_LANES: &str = "hash-lanes";

fn main() -> io::Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => look_at_all(None),
        ["look", what, topics] => {
            look(what, number(topics));
            Ok(())
        }
        [topics] => look_at_all(Some(number(topics))),
        _ => {
            eprintln!("error: the one argument is a number of topics");
            process::exit(2);
        }
    }
}

fn number(text: &str) -> u32 {
    text.parse().unwrap_or_else(|error| {
        eprintln!("error: {text:?} is no number of topics: {error}");
        process::exit(2);
    })
}

/// Looks, in this process, at a design of the post-mortem or at this bus, whose URL then is `what`.
fn look(what: &str, topics: u32) {
    let design = match what {
        POOL_PER_TOPIC => Design::PoolPerTopic,
        HASH_LANES => Design::HashLanes,
        url => return ours::look(topics, url),
    };
    let runtime = tests::alone::runtime();
    let visit = runtime.block_on(post_mortem::visit(topics, design));
    println!("{}", visit.to_json());
}

fn look_at_all(generated: Option<u32>) -> io::Result<()> {
    let program = env::current_exe()?;
    let look = |what: &str, topics: u32| {
        eprintln!("{what}: {topics} topics");
        seen(Command::new(&program).args(["look", what, &topics.to_string()]))
    };
    let each = |what: &str, topics: &[u32]| -> io::Result<Vec<(u32, Visit)>> {
        topics
            .iter()
            .map(|topics| Ok((*topics, look(what, *topics)?)))
            .collect()
    };
    let nats = Nats::start();
    let kafka = Kafka::start();
    let mut all = Seen {
        pool_per_topic: each(POOL_PER_TOPIC, &TOPICS)?,
        hash_lanes: each(HASH_LANES, &TOPICS)?,
        memory: each("memory:", &TOPICS)?,
        nats: each(nats.url(), &TOPICS)?,
        kafka: each(kafka.url(), &ON_KAFKA)?,
    };
    if let Some(topics) = generated {
        let folder = tempfile::tempdir()?;
        eprintln!("a crate with {topics} handlers");
        let program = generated::program(topics, folder.path())?;
        let look = |url: &str| seen(Command::new(&program).arg(url));
        all.memory.push((topics, look("memory:")?));
        all.nats.push((topics, look(nats.url())?));
    }
    all.show()
}

/// What a program that looks at a bus has seen.
fn seen(command: &mut Command) -> io::Result<Visit> {
    let ran = command.stderr(Stdio::inherit()).output()?;
    let json = serde_json::from_slice(&ran.stdout).ok();
    let visit = json.as_ref().and_then(Visit::from_json);
    visit.filter(|_| ran.status.success()).ok_or_else(|| {
        let said = String::from_utf8_lossy(&ran.stdout);
        io::Error::other(format!("{command:?} ended with {}: {said}", ran.status))
    })
}
