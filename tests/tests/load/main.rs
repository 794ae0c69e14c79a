//! 200 000 events of 10 000 keys and five topics, of which every fifth fails once: none out of order, none at the
//! same time as another of its key, none lost. And the checker that says so is seen to find each of the three.

#[cfg(feature = "kafka")]
mod kafka;

use bus_runtime::prelude::*;
use bus_runtime::testing::Ledger;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::alone::{figure, runtime};
use tests::alone_on_each_transport;
use tests::load::{Load, Numbered, TOPICS};
use tests::patience::within;
use tokio::sync::{Barrier, Semaphore};

const AGAIN: Retry = Retry::attempts(3).backoff(Duration::from_millis(5), Duration::from_millis(5));

/// What the handlers see is written down here.
#[derive(Clone)]
struct Watch {
    ledger: Arc<Ledger>,
    settled: Arc<Semaphore>,
    /// Where two handlers meet that may not run at the same time.
    meeting: Arc<Barrier>,
}

impl Watch {
    fn new() -> Self {
        Watch {
            ledger: Arc::new(Ledger::new()),
            settled: Arc::new(Semaphore::new(0)),
            meeting: Arc::new(Barrier::new(2)),
        }
    }

    async fn handle(&self, event: Numbered, attempt: u32) -> Result {
        let strand = event.strand();
        let running = self.ledger.started(&strand, event.number);
        // What may run at the same time does it here.
        tokio::task::yield_now().await;
        if event.fails_first() && attempt == 1 {
            Err("the first attempt fails")?;
        }
        running.settled();
        self.settled.add_permits(1);
        Ok(())
    }

    async fn until_settled(&self, events: u64) {
        let events = u32::try_from(events).expect("a test's events");
        let settled = within("every event is settled", self.settled.acquire_many(events));
        settled.await.expect("it is never closed").forget();
    }
}

macro_rules! handlers {
    ($($name:ident: $topic:expr),+) => {$(
        #[event_handler(topic = $topic, key = event.key, retry = AGAIN)]
        async fn $name(
            Json(event): Json<Numbered>,
            State(watch): State<Watch>,
            about: Metadata,
        ) -> Result {
            watch.handle(event, about.attempt).await
        }
    )+};
}

handlers!(a: TOPICS[0], b: TOPICS[1], c: TOPICS[2], d: TOPICS[3], e: TOPICS[4]);

/// Every event, in the order of its key.
#[event_bus(group = "load", state = Watch, handlers = [a, b, c, d, e])]
struct Ordered;

/// Handles without order: the events of a key meet.
#[event_handler(topic = TOPICS[0], key = Unordered)]
async fn careless(Json(event): Json<Numbered>, State(watch): State<Watch>) {
    let strand = event.strand();
    let running = watch.ledger.started(&strand, event.number);
    watch.meeting.wait().await;
    running.settled();
    watch.settled.add_permits(1);
}

/// What must not be: a key in two places at once.
#[event_bus(group = "load", state = Watch, handlers = [careless])]
struct Careless;

fn every_event_once_and_in_order(config: &Config) {
    let load = Load {
        keys: 10_000,
        each: 20,
        tasks: 256,
    };
    runtime().block_on(async {
        let watch = Watch::new();
        let bus = Ordered::new(config.clone()).start(watch.clone()).await;
        let bus = bus.expect("it starts");
        let begun = Instant::now();
        let ledger = Arc::clone(&watch.ledger);
        let pace = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        load.publish(&bus.publisher(), pace, move |event| {
            ledger.published(&event.strand(), event.number);
        })
        .await;
        let published = begun.elapsed();
        watch.until_settled(load.events()).await;
        let took = begun.elapsed();
        let report = bus.shutdown().await.expect("it runs until it is shut down");

        let findings = watch.ledger.findings();
        assert!(findings.is_clean(), "{findings}");
        assert_eq!(findings.published, 200_000);
        assert_eq!((report.handled(), report.retried()), (200_000, 40_000));
        assert_eq!((report.dead_lettered(), report.released()), (0, 0));
        assert!(report.left.is_empty(), "{report}");
        figure(format_args!(
            "load: {findings}; {} retried; published in {published:.1?}, settled in {took:.1?}: {:.0} events/s",
            report.retried(),
            200_000.0 / took.as_secs_f64()
        ));
    });
}

/// Publishes numbers of one key in the order given, which the ledger takes for 1, 2, 3, …
async fn publish_as(publisher: &Publisher, watch: &Watch, numbers: &[u64], last: u64) {
    let event = |number| Numbered { key: 0, number };
    (1..=last).for_each(|number| watch.ledger.published(&event(number).strand(), number));
    for number in numbers {
        let sent = event(*number).publish(publisher).await;
        sent.expect("it is published");
    }
}

fn an_inversion_is_found(config: &Config) {
    runtime().block_on(async {
        let watch = Watch::new();
        let bus = Ordered::new(config.clone()).start(watch.clone()).await;
        let bus = bus.expect("it starts");
        publish_as(&bus.publisher(), &watch, &[1, 3, 2, 4], 4).await;
        watch.until_settled(4).await;
        bus.shutdown().await.expect("it runs until it is shut down");
        let findings = watch.ledger.findings();
        assert_eq!(findings.inversions, ["load.a/0 3"]);
        assert!(findings.lost.is_empty(), "{findings}");
    });
}

fn a_loss_is_found(config: &Config) {
    runtime().block_on(async {
        let watch = Watch::new();
        let bus = Ordered::new(config.clone()).start(watch.clone()).await;
        let bus = bus.expect("it starts");
        publish_as(&bus.publisher(), &watch, &[1, 2, 4], 4).await;
        watch.until_settled(3).await;
        bus.shutdown().await.expect("it runs until it is shut down");
        assert_eq!(watch.ledger.findings().lost, ["load.a/0 3"]);
    });
}

fn an_overlap_is_found(config: &Config) {
    runtime().block_on(async {
        let watch = Watch::new();
        let bus = Careless::new(config.clone()).start(watch.clone()).await;
        let bus = bus.expect("it starts");
        publish_as(&bus.publisher(), &watch, &[1, 2], 2).await;
        watch.until_settled(2).await;
        bus.shutdown().await.expect("it runs until it is shut down");
        let findings = watch.ledger.findings();
        assert_eq!(findings.overlaps.len(), 1, "{findings}");
        assert!(findings.lost.is_empty(), "{findings}");
    });
}

alone_on_each_transport!(
    every_event_once_and_in_order,
    an_inversion_is_found,
    a_loss_is_found,
    an_overlap_is_found,
);
