//! Asks the server for events, as many as there is room for.

use super::acks::Delivered;
use super::link::Link;
use super::setup::Durable;
use crate::transport::{Grant, Source};
use async_nats::{Message, StatusCode, Subscriber};
use futures_util::{FutureExt, StreamExt};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;

/// The most events in one pull: enough that asking costs nothing, few enough for the pool to share its
/// room among its sources.
pub(super) const BATCH: usize = 512;
/// How long the server keeps a pull that it cannot fill.
const EXPIRES: Duration = Duration::from_secs(30);
/// How often the server shows that it still has a pull.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// After how long of silence a pull is taken for lost: two heartbeats missed, and time for them to come.
const SILENCE: Duration = Duration::from_secs(11);

/// One place for a pull under way, with an inbox of its own, so that it is known of each event which pull
/// it belongs to: the server sends events under their own subjects.
#[derive(Debug)]
pub(super) struct Slot {
    inbox: String,
    subscriber: Subscriber,
    pull: Option<Pull>,
    /// Numbers the pulls: a late status of a former one is not taken for the present one's.
    count: u64,
    head: Option<(Delivered, Message)>,
}

#[derive(Debug)]
struct Pull {
    /// What of the reservation the events that came have not used.
    left: Grant,
    /// Bytes as the server counts them, of those that it may send.
    room: usize,
    asked: usize,
    /// Room is reserved for what it asks for. If not, that is done for the one event when it has come.
    reserved: bool,
    heard: Instant,
}

/// Why a pull ended early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// As pulls do: the time is over, or the bytes are used up.
    Normally,
    /// Its very first event is larger than the room that was asked for.
    TooSmall,
    /// Something that only a new beginning mends.
    Broken(String),
}

#[derive(Serialize)]
struct Request {
    batch: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<usize>,
    expires: u128,
    idle_heartbeat: u128,
}

impl Slot {
    pub(super) async fn open(link: &Link) -> Option<Self> {
        let inbox = link.client.new_inbox();
        let subscriber = link
            .until_lost(link.client.subscribe(format!("{inbox}.*")))
            .await?
            .ok()?;
        Some(Slot {
            inbox,
            subscriber,
            pull: None,
            count: 0,
            head: None,
        })
    }

    /// Whether a pull is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.pull.is_some()
    }

    /// Whether half of the pull under way has come, or none is. Of one without a reservation, that waits for its room.
    pub(super) fn is_half_used(&self) -> bool {
        self.pull
            .as_ref()
            .is_none_or(|pull| pull.reserved && pull.left.events * 2 <= pull.asked)
    }

    /// Begins a pull for a whole reservation. Without one it may be lost with the connection.
    pub(super) async fn pull(
        &mut self,
        link: &Link,
        durable: &Durable,
        grant: Grant,
    ) -> Option<()> {
        let pull = Pull {
            left: grant,
            room: grant.bytes,
            asked: grant.events,
            reserved: true,
            heard: Instant::now(),
        };
        self.begin(link, durable, pull).await
    }

    /// Begins a pull for one event, for which no room is reserved before it has come: for what comes so rarely, or where
    /// room is so scarce, that it would be kept from others for nothing.
    pub(super) async fn pull_one(&mut self, link: &Link, durable: &Durable) -> Option<()> {
        let pull = Pull {
            left: Grant::default(),
            room: usize::MAX,
            asked: 1,
            reserved: false,
            heard: Instant::now(),
        };
        self.begin(link, durable, pull).await
    }

    async fn begin(&mut self, link: &Link, durable: &Durable, pull: Pull) -> Option<()> {
        debug_assert!(self.pull.is_none(), "one pull at a time");
        self.count += 1;
        let request = Request {
            batch: pull.asked,
            max_bytes: (pull.room != usize::MAX).then_some(pull.room),
            expires: EXPIRES.as_nanos(),
            idle_heartbeat: HEARTBEAT.as_nanos(),
        };
        self.pull = Some(pull);
        let body = serde_json::to_vec(&request).expect("a request is JSON");
        let subject = format!(
            "$JS.API.CONSUMER.MSG.NEXT.{}.{}",
            durable.stream, durable.name
        );
        let reply = format!("{}.{}", self.inbox, self.count);
        link.until_lost(link.client.publish_with_reply(subject, reply, body.into()))
            .await?
            .ok()
    }

    /// Whether there is room for the event that is next here: reserved now, where it was not before.
    pub(super) fn has_room(&mut self, source: &Source) -> bool {
        let (Some(pull), Some((_, message))) = (&mut self.pull, &self.head) else {
            return true;
        };
        if !pull.reserved {
            pull.left = source.reserve(1, message.length);
            pull.reserved = pull.left.events > 0;
        }
        pull.reserved
    }

    /// Waits for something to come, and keeps it as the head.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when it is dropped.
    pub(super) async fn next(&mut self) -> Next {
        if self.head.is_some() {
            return std::future::pending().await;
        }
        let message = self.subscriber.next().await;
        self.keep(message)
    }

    /// What has come already, without waiting.
    pub(super) fn poll(&mut self) -> Next {
        if self.head.is_some() {
            return Next::Event;
        }
        // Unconstrained: to an exhausted task budget the channel would look empty, which would be taken for
        // a gap.
        match tokio::task::unconstrained(self.subscriber.next()).now_or_never() {
            Some(message) => self.keep(message),
            None => Next::Nothing,
        }
    }

    fn keep(&mut self, message: Option<Message>) -> Next {
        let Some(message) = message else {
            return Next::Closed;
        };
        if let Some(pull) = &mut self.pull {
            pull.heard = Instant::now();
        }
        if let Some(delivered) = message.reply.as_deref().and_then(Delivered::parse) {
            self.head = Some((delivered, message));
            return Next::Event;
        }
        let ours = message
            .subject
            .rsplit_once('.')
            .is_some_and(|(_, count)| count.parse() == Ok(self.count));
        if !ours {
            return Next::Sign;
        }
        match self.status(&message) {
            None => Next::Sign,
            Some(ended) => Next::Ended(ended),
        }
    }

    /// What a status says of the pull under way: nothing where it goes on.
    fn status(&self, message: &Message) -> Option<Ended> {
        let pull = self.pull.as_ref()?;
        let text = message.description.as_deref().unwrap_or_default();
        match message.status.map(|status| status.as_u16()) {
            Some(100) => None,
            Some(404 | 408) => Some(Ended::Normally),
            Some(409) if text.eq_ignore_ascii_case("Batch Completed") => Some(Ended::Normally),
            Some(409)
                if text
                    .to_ascii_lowercase()
                    .starts_with("message size exceeds") =>
            {
                let none_came = pull.left.events == pull.asked;
                Some(if none_came {
                    Ended::TooSmall
                } else {
                    Ended::Normally
                })
            }
            Some(503) if message.status == Some(StatusCode::NO_RESPONDERS) => {
                Some(Ended::Broken("nobody answers for the consumer".into()))
            }
            Some(code) => Some(Ended::Broken(format!(
                "the server ended a pull: {code} {text}"
            ))),
            None => Some(Ended::Broken(
                "an answer to a pull is neither event nor status".into(),
            )),
        }
    }

    /// The number of the event that is next here.
    pub(super) fn number(&self) -> Option<u64> {
        self.head.as_ref().map(|(delivered, _)| delivered.number)
    }

    /// Takes the event that is next here. `None` where no pull has room for it.
    pub(super) fn take(&mut self) -> Option<(Delivered, Message)> {
        let pull = self.pull.as_mut().filter(|pull| pull.left.events > 0)?;
        let (delivered, message) = self.head.take()?;
        pull.left.events -= 1;
        if pull.room != usize::MAX {
            pull.room = pull.room.saturating_sub(message.length);
        }
        Some((delivered, message))
    }

    /// Counts the bytes of an event that was taken against the reservation.
    pub(super) fn charge(&mut self, bytes: usize) {
        if let Some(pull) = &mut self.pull
            && pull.left.bytes != usize::MAX
        {
            pull.left.bytes = pull.left.bytes.saturating_sub(bytes);
        }
    }

    /// Ends a pull whose events have all come; what is left of its bytes goes back.
    ///
    /// The server ends a pull without a word where an event takes the last of its bytes exactly.
    pub(super) fn end_if_complete(&mut self, source: &Source) {
        let is_complete = |pull: &Pull| pull.reserved && (pull.left.events == 0 || pull.room == 0);
        if self.pull.as_ref().is_some_and(is_complete) {
            self.end(source);
        }
    }

    /// Ends the pull under way; what is left of its reservation goes back.
    pub(super) fn end(&mut self, source: &Source) {
        let pull = self.pull.take().filter(|pull| pull.reserved);
        let Some(Pull { mut left, .. }) = pull else {
            return;
        };
        if left.events == 0 && left.bytes == usize::MAX {
            return;
        }
        if left.bytes == usize::MAX {
            left.bytes = 0;
        }
        source.give_back(left);
    }

    /// When the pull under way counts as lost, unless the server is heard of before.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        if self.head.is_some() {
            // What has come waits for room, and nothing behind it is looked at.
            return None;
        }
        self.pull.as_ref().map(|pull| pull.heard + SILENCE)
    }

    /// Takes nothing more from the server. Returns what had come and is not delivered.
    pub(super) async fn close(mut self, link: &Link, source: &Source) -> Vec<Message> {
        self.end(source);
        // An error means that the connection is gone, and the subscription with it.
        link.until_lost(self.subscriber.unsubscribe())
            .await
            .and_then(Result::ok);
        let mut rest: Vec<Message> = self
            .head
            .take()
            .map(|(_, message)| message)
            .into_iter()
            .collect();
        while let Next::Event = self.poll() {
            rest.extend(self.head.take().map(|(_, message)| message));
        }
        rest
    }
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Nothing,
    /// An event; it is the head now.
    Event,
    /// A sign of life, or something that is of no interest any more.
    Sign,
    /// The pull under way ended.
    Ended(Ended),
    /// The connection is gone.
    Closed,
}
