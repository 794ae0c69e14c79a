//! The end of a member, and of a client that cannot end yet.

use super::context::Context;
use super::member::Member;
use super::settings::POLL_INTERVAL;
use super::wake::Id;
use crate::transport::Leftover;
use crate::transport::kafka::{native, thread};
use rdkafka::consumer::{BaseConsumer, Consumer};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How often the client is polled while it ends.
const ENDING: Duration = Duration::from_millis(10);
/// How long a server that may be away is waited for at a time.
const PROBE: Duration = Duration::from_millis(500);

impl Member {
    /// Stores the last offsets and leaves the group.
    pub(super) fn finish(mut self, deadline: Instant) -> Leftover {
        self.is_closing = true;
        self.serve_client();
        self.leave_now();
        self.arrive_now();
        self.rebalance();
        let ids: Vec<Id> = self.partitions.keys().copied().collect();
        self.store(&ids);
        if self.connection.is_lost() {
            // librdkafka before 2.14.2 may crash when it leaves a group whose coordinator is gone.
            return self.leave_later("no Kafka server can be reached");
        }
        self.consumer.unsubscribe();
        // It leaves when its last commit is answered. A client that is ended before that does not say that it leaves,
        // and the group waits until its session has run out.
        while !self.partitions.is_empty() || native::is_member(&self.consumer) {
            if self.connection.is_lost() {
                return self.leave_later("no Kafka server can be reached");
            }
            if Instant::now() >= deadline {
                return self.leave_later("Kafka has not answered");
            }
            self.wake.wait(Instant::now() + ENDING, &mut Vec::new());
            self.serve_client();
            self.rebalance();
        }
        let (context, group) = (self.context(), Arc::clone(&self.group));
        // The client's end waits for the answer to its last word. Where Kafka hangs by now, that takes longer than the
        // bus waits for this thread, which is then named in the report.
        drop(self);
        match context.failed_commit() {
            None => Leftover::default(),
            Some(error) => Leftover(vec![format!(
                "the last offsets of group `{group}`: {error}; what they stand for is handled again"
            )]),
        }
    }

    fn leave_later(self, why: &str) -> Leftover {
        let (consumer, group) = (Arc::clone(&self.consumer), Arc::clone(&self.group));
        let topic = self.topics.keys().next().cloned();
        // First the queues of its partitions, which must not outlive the client.
        drop(self);
        leave_when_it_answers(consumer, topic);
        Leftover(vec![format!(
            "the consumer of group `{group}`: {why}; its last offsets may be missing, so that what they stand for is \
             handled again, and its client's threads are left until Kafka answers"
        )])
    }
}

/// Ends a client as soon as its server answers, on a thread of its own. It says that it lives for as long as the
/// process does: unless it leaves, the group waits for it. A server that does not answer for as long as a member may be
/// silent has given it up by then.
fn leave_when_it_answers(consumer: Arc<BaseConsumer<Context>>, topic: Option<String>) {
    let (hand, handed) = mpsc::channel::<Arc<BaseConsumer<Context>>>();
    let leaving = thread::spawn("bus-kafka-end", move || {
        let Ok(consumer) = handed.recv() else {
            return;
        };
        let begun = Instant::now();
        while consumer.fetch_metadata(topic.as_deref(), PROBE).is_err() {
            if begun.elapsed() > POLL_INTERVAL {
                std::mem::forget(consumer);
                return;
            }
            // Nothing of it is handled any more.
            drop(consumer.poll(PROBE));
        }
        // Its drop waits until it has left.
        drop(consumer);
    });
    // To end it here would take as long as the server likes.
    match leaving {
        Ok(_) => drop(hand.send(consumer)),
        Err(_) => std::mem::forget(consumer),
    }
}
