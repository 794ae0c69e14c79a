//! What a user would write by hand, with the same settings of the client, and without order by key, retries or
//! dead letters.

use crate::{EVENTS, TOPIC};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message};
use std::hint::black_box;
use std::time::Duration;
use tokio::sync::mpsc;

/// How many events a thread hands over at once.
const BATCH: usize = 64;

fn consumer(servers: &str, group: &str) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("partition.assignment.strategy", "cooperative-sticky")
        .set("fetch.queue.backoff.ms", "10")
        .set("queued.min.messages", "10000")
        .set("fetch.message.max.bytes", "262144")
        .set("queued.max.messages.kbytes", "16384")
        .create()
        .expect("a consumer");
    consumer.subscribe(&[TOPIC]).expect("a subscription");
    consumer
}

/// The bare loop: looks at each event.
pub(crate) fn bare(servers: &str, group: &str) {
    let consumer = consumer(servers, group);
    let mut seen = 0;
    while seen < EVENTS {
        if let Some(message) = consumer.poll(Duration::from_millis(100)) {
            black_box(message.expect("an event").payload());
            seen += 1;
        }
    }
}

/// A thread that copies each event and hands batches to a task.
pub(crate) fn hop(servers: &str, group: &str) {
    let (batches, mut arriving) = mpsc::channel::<Vec<_>>(16);
    let consumer = consumer(servers, group);
    let thread = std::thread::spawn(move || {
        let mut seen = 0;
        while seen < EVENTS {
            let mut batch = Vec::with_capacity(BATCH);
            let mut wait = Duration::from_millis(100);
            while batch.len() < BATCH
                && let Some(message) = consumer.poll(wait)
            {
                batch.push(message.expect("an event").detach());
                wait = Duration::ZERO;
            }
            seen += batch.len() as u64;
            if !batch.is_empty() && batches.blocking_send(batch).is_err() {
                return;
            }
        }
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        while let Some(batch) = arriving.recv().await {
            for message in batch {
                black_box(message.payload());
            }
        }
    });
    thread.join().expect("the thread has read all");
}
