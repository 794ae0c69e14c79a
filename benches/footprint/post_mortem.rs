//! The design of the post-mortem, and the fix that it recommends: no products, but what is needed to count their tasks.
//!
//! Each topic has a source: a fetch helper, which takes events from the broker, and a pull loop, which routes them. In
//! the design it routes to the topic's own pool of [`WORKERS`]. In the fix it routes to one dispatcher, which routes to
//! [`LANES`]: that pool is the process's, and there before anything is counted.

use benches::footprint::{Gate, HANDLERS, Kind, Reading, Visit, key};
use tests::patience::until;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;

/// Workers of each topic.
pub(crate) const WORKERS: usize = 1024;

/// Lanes of the one pool.
pub(crate) const LANES: usize = 768;

/// An event is its key here.
type Event = u32;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Design {
    PoolPerTopic,
    HashLanes,
}

/// Looks at a bus of so many topics.
pub(crate) async fn visit(topics: u32, design: Design) -> Visit {
    let worker = match design {
        Design::PoolPerTopic => "workers",
        Design::HashLanes => "lanes",
    };
    let kinds = [worker, "dispatcher", "pull loops", "fetch helpers"].map(Kind::named);
    let [workers, dispatchers, pull_loops, fetch_helpers] = &kinds;
    let gate = Gate::default();
    let mut owned = Vec::new();
    let mut pool = |size| {
        let worker = |_| {
            let (to, from) = channel(1);
            owned.push(workers.spawn(work(from, gate.clone())));
            to
        };
        (0..size).map(worker).collect::<Vec<_>>()
    };
    let dispatcher = (design == Design::HashLanes).then(|| {
        let (to, from) = channel(1);
        dispatchers.spawn(route(from, pool(LANES)));
        to
    });

    let before = Reading::steady(&kinds).await;
    let ways: Vec<_> = (0..topics)
        .map(|_| match &dispatcher {
            None => pool(WORKERS),
            Some(dispatcher) => vec![dispatcher.clone()],
        })
        .collect();
    if design == Design::HashLanes {
        // The lanes outlive the bus.
        owned.clear();
    }
    let built = Reading::steady(&kinds).await;

    let (context, caller) = watch::channel(());
    let mut broker = Vec::new();
    for ways in ways {
        let ((to_helper, at_helper), (to_loop, at_loop)) = (channel(1), channel(1));
        owned.push(fetch_helpers.spawn(route(at_helper, vec![to_loop])));
        let mut caller = caller.clone();
        pull_loops.spawn(async move {
            route(at_loop, ways).await;
            // It looks at its caller's context alone: `close` does not end it.
            while caller.changed().await.is_ok() {}
        });
        broker.push(to_helper);
    }
    for event in 0..HANDLERS {
        let (topic, key) = key(event, topics);
        let sent = broker[topic as usize].send(key).await;
        sent.expect("the topic has a source");
    }
    until("the workers wait", || gate.waiting() == HANDLERS as usize).await;
    let running = Reading::steady(&kinds).await;
    gate.open();

    // Go's deferred calls run last in, first out: `defer bus.Close()` before `defer count()` counts first.
    let early = Reading::steady(&kinds).await;
    drop(broker);
    for task in owned {
        task.await.expect("it does not panic");
    }
    let after = Reading::steady(&kinds).await;
    drop(context);
    let over = Reading::steady(&kinds).await;
    Visit {
        before,
        built,
        running,
        early,
        after,
        over,
    }
}

/// Hands each event to the way of its key, and waits there while that way is full.
async fn route(mut from: Receiver<Event>, ways: Vec<Sender<Event>>) {
    while let Some(event) = from.recv().await {
        if ways[event as usize % ways.len()].send(event).await.is_err() {
            return;
        }
    }
}

async fn work(mut from: Receiver<Event>, gate: Gate) {
    while from.recv().await.is_some() {
        gate.opened().await;
    }
}
