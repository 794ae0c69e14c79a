//! What a part has: connections, names of its own, and the patience to wait for what must happen.

use super::Suite;
use super::error::{Fault, Kept};
use super::member::{Member, Plan};
use crate::event::{Key, Message};
use crate::transport::{Confirm, Destination, Outgoing, Receipt, Transport, TransportError};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use uuid::Uuid;

/// How often a condition is looked at that nothing announces.
const LOOK: Duration = Duration::from_millis(2);

/// One run of one part.
#[derive(Clone)]
pub(super) struct Stage {
    suite: Suite,
    part: &'static str,
    /// Part of every name, so that parts share a broker.
    run: String,
}

impl Stage {
    pub(super) fn new(suite: Suite, part: &'static str) -> Self {
        Stage {
            suite,
            part,
            run: Uuid::now_v7().simple().to_string(),
        }
    }

    pub(super) fn suite(&self) -> &Suite {
        &self.suite
    }

    /// A topic of this run alone. It lives as long as the process, as those do that the macros write down.
    pub(super) fn topic(&self, name: &str) -> &'static str {
        format!("conformance.{}.{}.{name}", self.part, self.run).leak()
    }

    /// A group of this run alone.
    pub(super) fn group(&self, name: &str) -> Arc<str> {
        format!("c-{}-{name}", self.run).into()
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Kept<Arc<dyn Transport>> {
        let connected = self.within("a connection", self.suite.connection()).await?;
        connected.map_err(|error| Fault(format!("no connection: {error}")))
    }

    /// Starts a member on a connection of its own.
    pub(super) async fn member(&self, plan: Plan) -> Kept<Member> {
        self.member_on(self.connect().await?, plan).await
    }

    /// Starts a member on a connection.
    pub(super) async fn member_on(
        &self,
        transport: Arc<dyn Transport>,
        plan: Plan,
    ) -> Kept<Member> {
        self.within("the consumers to begin", Member::start(transport, plan))
            .await?
    }

    /// Waits for what must happen.
    pub(super) async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> Kept<T> {
        in_time(self.suite.patient_for(), what, future).await
    }

    /// Waits until what must become true is.
    pub(super) async fn until(&self, what: &str, reached: impl FnMut() -> bool) -> Kept {
        self.until_within(self.suite.patient_for(), what, reached)
            .await
    }

    /// Waits until what must become true is, no longer than this and than the suite's patience.
    pub(super) async fn until_within(
        &self,
        time: Duration,
        what: &str,
        mut reached: impl FnMut() -> bool,
    ) -> Kept {
        let reached = async {
            while !reached() {
                sleep(LOOK).await;
            }
        };
        in_time(time.min(self.suite.patient_for()), what, reached).await
    }

    /// Publishes, and waits for the answer.
    pub(super) async fn publish(
        &self,
        transport: &dyn Transport,
        message: Message,
    ) -> Kept<Receipt> {
        Ok(self.try_publish(transport, message).await??)
    }

    /// Publishes, and waits for the answer, whatever it is.
    pub(super) async fn try_publish(
        &self,
        transport: &dyn Transport,
        message: Message,
    ) -> Kept<Result<Receipt, TransportError>> {
        self.send(transport, message, Destination::Topic).await
    }

    /// Hands an event over, and waits for the answer.
    pub(super) async fn send(
        &self,
        transport: &dyn Transport,
        message: Message,
        destination: Destination,
    ) -> Kept<Result<Receipt, TransportError>> {
        let (confirm, answer) = oneshot::channel();
        let topic = Arc::clone(&message.topic);
        let outgoing = Outgoing {
            from_handler: false,
            message,
            destination,
            deadline: Instant::now() + self.suite.patient_for(),
        };
        // Nobody waits any more where the patience is over.
        let confirm = Confirm::new(move |answer| drop(confirm.send(answer)));
        transport.publish(outgoing, confirm);
        let what = format!("the answer to a publish to `{topic}`");
        let answer = self.within(&what, answer).await?;
        answer.map_err(|_| Fault(format!("{what} was never given: the confirm was lost")))
    }

    /// The oldest dead letters of a group.
    pub(super) async fn letters(
        &self,
        transport: &dyn Transport,
        group: &str,
        limit: usize,
    ) -> Kept<Vec<Message>> {
        let listing = transport.buried().list(group, 0, limit);
        let letters = self.within("the dead letters", listing).await??;
        Ok(letters.into_iter().map(|letter| letter.message).collect())
    }

    /// Closes a connection without consumers.
    pub(super) async fn close(&self, transport: &dyn Transport) -> Kept {
        let deadline = Instant::now() + self.suite.patient_for();
        let closed = timeout_at(deadline + GRACE, transport.close(deadline)).await;
        let leftover =
            closed.map_err(|_| Fault("the transport's `close` outlives its deadline".into()))?;
        if leftover.0.is_empty() {
            return Ok(());
        }
        Err(Fault(format!(
            "closing the transport left something behind: {}",
            leftover.0.join(", ")
        )))
    }
}

async fn in_time<T>(time: Duration, what: &str, future: impl Future<Output = T>) -> Kept<T> {
    let answer = timeout(time, future).await;
    answer.map_err(|_| Fault(format!("waited {time:?} in vain for {what}")))
}

/// How much later than its deadline an end may come, on a busy machine.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// An event with a text for its payload.
pub(super) fn event(topic: &str, key: &str, payload: impl fmt::Display) -> Message {
    Message::new(topic, Key::of(key), payload.to_string())
}
