//! A service that is killed again and again, at random moments, under load: nothing is lost, nothing is out of order,
//! and the dead letters are exactly the poisoned events. With acknowledgement before settlement the same test finds
//! what is lost.

#![cfg(any(feature = "nats", feature = "kafka"))]

#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;

use bus_runtime::prelude::*;
use bus_runtime::transport::{self, Letter};
use fastrand::Rng;
use std::thread;
use std::time::{Duration, Instant};
use tests::alone::figure;
use tests::load::{Load, Numbered};
use tests::members::Members;
use tests::patience::{PATIENCE, within};
use tests::record::History;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

/// Repeats a run: set to what the run has printed.
const SEED: &str = "CRASH_SEED";

/// How often a process is killed.
const KILLS: usize = 25;

/// Events that are published for each life of a process.
const A_LIFE: usize = 8000;

/// Keys of the load.
const KEYS: u32 = 2000;

/// What a run has shown.
struct Found {
    load: Load,
    history: History,
    /// Neither settled nor dead.
    lost: Vec<Numbered>,
    /// The ids of the dead letters, sorted.
    dead: Vec<String>,
}

fn poisoned(load: Load) -> Vec<String> {
    let poisoned = load.iter().filter(|event| event.is_poisoned());
    let mut ids: Vec<String> = poisoned.map(Numbered::id).collect();
    ids.sort();
    ids
}

/// Reads until a moment that nobody can foresee.
fn until_some_moment(members: &mut Members, rng: &mut Rng) {
    // From before the first event to behind most.
    let mut left = rng.usize(..2 * A_LIFE);
    members.read_until("some moment", |_| {
        let is_over = left == 0;
        left = left.saturating_sub(1);
        is_over
    });
    // And anywhere within the step that comes next.
    let (now, moment) = (Instant::now(), Duration::from_micros(rng.u64(..2000)));
    while now.elapsed() < moment {
        thread::yield_now();
    }
}

fn published(runtime: &Runtime, publishing: &mut JoinHandle<()>) {
    let ended = runtime.block_on(async { within("everything is published", publishing).await });
    ended.expect("the task that publishes");
}

async fn dead_letters(config: &Config) -> Vec<String> {
    let transport = transport::connect(config, "crash-test").await;
    let transport = transport.expect("it connects");
    let (mut ids, mut from) = (Vec::new(), 0);
    loop {
        let letters = transport.buried().list("crash", from, 1000).await;
        let letters = letters.expect("the broker has them");
        let Some(last) = letters.last() else {
            break;
        };
        from = last.position + 1;
        let id = |letter: &Letter| {
            let id = letter.message.headers.get("bus-dead-id");
            id.expect("each dead letter has one").to_owned()
        };
        ids.extend(letters.iter().map(id));
    }
    ids.sort();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let left = transport.close(deadline).await;
    assert!(left.0.is_empty(), "{left:?}");
    ids
}

fn rng() -> Rng {
    let seed = std::env::var(SEED).ok();
    let seed = seed.map(|seed| seed.parse().expect("a seed is a number"));
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    figure(format_args!("crash: {SEED}={seed}"));
    Rng::with_seed(seed)
}
