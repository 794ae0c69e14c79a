//! The one task that publishes: each event is sent, and sent again on the next connection, until the
//! server answers or its time is over.

use super::api::Refusal;
use super::connection::Links;
use super::layout::Layout;
use super::link::{Denied, Link};
use super::wire::{self, Control};
use crate::transport::{Confirm, Destination, Outgoing, Receipt, TransportError};
use async_nats::message::OutboundMessage;
use async_nats::{Client, Message, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// How many events are taken in, sent or confirmed in one go.
const BATCH: usize = 256;
/// When to send an event again that no stream took: its leader may be about to be chosen.
const RETRY: Duration = Duration::from_millis(200);
/// JetStream's own codes of errors that pass.
const TRANSIENT: [u64; 3] = [10_008, 10_023, 10_041];
/// JetStream's own code for a stream that takes no more.
const STORE_FAILED: u64 = 10_077;

/// An event that waits to be published.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) outgoing: Outgoing,
    pub(super) confirm: Confirm,
}

/// The one task that publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    layout: Layout,
    queue: mpsc::UnboundedReceiver<Queued>,
    links: Links,
    /// Until when to wait for answers, once it is to end.
    closing: watch::Receiver<Option<Instant>>,
    /// By token, which grows.
    open: BTreeMap<u64, Open>,
    /// The same, by when their time is over.
    due: BTreeSet<(Instant, u64)>,
    next_token: u64,
    to_send: VecDeque<u64>,
    again: VecDeque<(Instant, u64)>,
    /// For events without a key: their partitions in turn.
    turn: u32,
}

/// An event without an answer.
#[derive(Debug)]
struct Open {
    subject: Subject,
    headers: async_nats::HeaderMap,
    payload: Bytes,
    size: usize,
    confirm: Confirm,
    deadline: Instant,
}

/// Where the answers on one connection come in.
#[derive(Debug)]
struct Wire {
    link: Link,
    inbox: String,
    answers: Subscriber,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    duplicate: bool,
    error: Option<Refusal>,
}

impl Publisher {
    pub(super) fn new(
        layout: Layout,
        queue: mpsc::UnboundedReceiver<Queued>,
        links: Links,
        closing: watch::Receiver<Option<Instant>>,
    ) -> Self {
        Publisher {
            layout,
            queue,
            links,
            closing,
            open: BTreeMap::new(),
            due: BTreeSet::new(),
            next_token: 0,
            to_send: VecDeque::new(),
            again: VecDeque::new(),
            turn: 0,
        }
    }

    /// Runs until it is closed and every event has its answer, or its time is over.
    pub(super) async fn run(mut self) {
        let mut wire: Option<Wire> = None;
        let mut queued = Vec::with_capacity(BATCH);
        loop {
            let closing = *self.closing.borrow_and_update();
            if closing.is_some() {
                self.queue.close();
            }
            if wire
                .as_ref()
                .is_some_and(|wire| wire.link.lost.is_cancelled())
            {
                wire = None;
            }
            if wire.is_none() {
                wire = self.connect().await;
            }
            self.expire(closing);
            // Nobody publishes any more: closed, or the transport was dropped.
            let ending = self.queue.is_closed() && self.queue.is_empty();
            if ending && self.open.is_empty() {
                return;
            }
            let next = self.next_time(closing);
            let (answers, client, denied) = match &mut wire {
                Some(Wire { link, answers, .. }) => (
                    Some((&link.lost, answers)),
                    Some(&mut link.client),
                    Some(&*link.denied),
                ),
                None => (None, None, None),
            };
            tokio::select! {
                _ = self.queue.recv_many(&mut queued, BATCH), if !ending => {
                    for one in queued.drain(..) {
                        self.admit(one, wire.as_ref());
                    }
                }
                answers = some(answers) => match answers {
                    Some(answers) => answers.into_iter().for_each(|answer| self.answered(&answer)),
                    None => wire = None,
                },
                subjects = subjects(denied) => self.denied(&subjects),
                ready = ready(client), if !self.to_send.is_empty() => match wire.as_mut() {
                    Some(open) if ready => self.send(open),
                    _ => wire = None,
                },
                changed = self.links.changed() => if changed.is_err() {
                    // The connection is not made again: what is open is answered when it is dropped.
                    return;
                },
                _ = self.closing.changed(), if closing.is_none() => {}
                () = sleep_until(next) => {}
            }
        }
    }

    /// The present connection, if there is one: everything without an answer is sent on it, oldest first.
    async fn connect(&mut self) -> Option<Wire> {
        let link = self.links.borrow_and_update().clone()?;
        let inbox = link.client.new_inbox();
        let answers = link
            .until_lost(link.client.subscribe(format!("{inbox}.*")))
            .await?
            .ok()?;
        self.again.clear();
        self.to_send = self.open.keys().copied().collect();
        Some(Wire {
            link,
            inbox,
            answers,
        })
    }

    fn admit(&mut self, queued: Queued, wire: Option<&Wire>) {
        let Queued { outgoing, confirm } = queued;
        let deadline = outgoing.deadline;
        let limit = wire.map_or(usize::MAX, |wire| wire.link.client.max_payload());
        match self.prepare(outgoing, limit) {
            Err(error) => confirm.answer(Err(error)),
            Ok((subject, headers, payload, size)) => {
                let token = self.next_token;
                self.next_token += 1;
                self.open.insert(
                    token,
                    Open {
                        subject,
                        headers,
                        payload,
                        size,
                        confirm,
                        deadline,
                    },
                );
                self.due.insert((deadline, token));
                self.to_send.push_back(token);
            }
        }
    }

    fn prepare(
        &mut self,
        outgoing: Outgoing,
        limit: usize,
    ) -> Result<(Subject, async_nats::HeaderMap, Bytes, usize), TransportError> {
        let Outgoing {
            message,
            destination,
            ..
        } = outgoing;
        if let Some(fault) = crate::event::check_topic(&message.topic) {
            return Err(TransportError::Refused(format!(
                "`{}` is no topic: {fault}",
                message.topic
            )));
        }
        let (subject, headers) = match destination {
            Destination::Topic => {
                let partition = self.partition(&message);
                let id = format!("{}/{}", message.topic, message.id);
                (
                    self.layout.subject(partition, &message.topic),
                    wire::headers(&message, &id, Control::Refuse)?,
                )
            }
            Destination::Replay { group, id } => {
                let partition = self.partition(&message);
                (
                    self.layout
                        .replay_subject(&group, partition, &message.topic),
                    wire::headers(&message, &format!("{group}/{id}"), Control::LeaveOut)?,
                )
            }
            Destination::DeadLetters { group, id } => (
                self.layout.dead_subject(&group, &message.topic),
                wire::headers(&message, &id, Control::LeaveOut)?,
            ),
        };
        let size = wire::size(&headers, &message.payload);
        if size > limit {
            return Err(TransportError::TooLarge { size, limit });
        }
        Ok((subject.into(), headers, message.payload, size))
    }

    /// That of the key, or for events without one each in turn.
    fn partition(&mut self, message: &crate::event::Message) -> u32 {
        if let Some(key) = message.key.as_bytes() {
            return self.layout.partition(key);
        }
        self.turn = (self.turn + 1) % self.layout.partitions();
        self.turn
    }

    /// Hands events to the client as long as it takes them at once.
    fn send(&mut self, wire: &mut Wire) {
        for _ in 0..BATCH {
            let Some(token) = self.to_send.pop_front() else {
                return;
            };
            let Some(open) = self.open.get(&token) else {
                continue;
            };
            let limit = wire.link.client.max_payload();
            if open.size > limit {
                // Taken in while no server said what it takes, or while another one did.
                let size = open.size;
                self.answer(token, Err(TransportError::TooLarge { size, limit }));
                continue;
            }
            let message = OutboundMessage {
                subject: open.subject.clone(),
                reply: Some(format!("{}.{token}", wire.inbox).into()),
                payload: open.payload.clone(),
                headers: Some(open.headers.clone()),
            };
            if wire.link.client.start_send_unpin(message).is_err() {
                // The connection is gone: sent on the next one.
                self.to_send.push_front(token);
                return;
            }
            if !matches!(
                ready(Some(&mut wire.link.client)).now_or_never(),
                Some(true)
            ) {
                return;
            }
        }
    }

    fn answered(&mut self, message: &Message) {
        let token = message
            .subject
            .rsplit_once('.')
            .and_then(|(_, token)| token.parse().ok());
        let Some(token) = token.filter(|token| self.open.contains_key(token)) else {
            return;
        };
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            self.again.push_back((Instant::now() + RETRY, token));
            return;
        }
        let result = match serde_json::from_slice(&message.payload) {
            Ok(Answer {
                error: None,
                duplicate,
            }) => Ok(Receipt::stored(duplicate)),
            Ok(Answer {
                error: Some(refusal),
                ..
            }) if TRANSIENT.contains(&refusal.err_code) => {
                self.again.push_back((Instant::now() + RETRY, token));
                return;
            }
            Ok(Answer {
                error: Some(refusal),
                ..
            }) => Err(refusal.into()),
            Err(error) => Err(TransportError::Refused(format!(
                "the server's answer cannot be read: {error}"
            ))),
        };
        self.answer(token, result);
    }

    /// Answers what the server lets this user not publish.
    fn denied(&mut self, subjects: &[String]) {
        let is_denied = |open: &Open| subjects.iter().any(|denied| **denied == *open.subject);
        let denied = self.open.iter().filter(|(_, open)| is_denied(open));
        let denied: Vec<_> = denied
            .map(|(token, open)| (*token, open.subject.clone()))
            .collect();
        for (token, subject) in denied {
            let why = format!("this user has no right to publish to the subject `{subject}`");
            self.answer(token, Err(TransportError::Refused(why)));
        }
    }

    fn answer(&mut self, token: u64, result: Result<Receipt, TransportError>) {
        if let Some(open) = self.open.remove(&token) {
            self.due.remove(&(open.deadline, token));
            open.confirm.answer(result);
        }
    }

    /// Answers those whose time is over, and moves those on whose time to be sent again has come.
    fn expire(&mut self, closing: Option<Instant>) {
        let now = Instant::now();
        let closed = closing.is_some_and(|deadline| deadline <= now);
        while let Some((deadline, token)) = self.due.first().copied()
            && (closed || deadline <= now)
        {
            let why = if closed {
                "the bus shut down before the server answered; the event may be stored"
            } else if self.links.borrow().is_none() {
                "no connection to NATS for as long as the publish may take"
            } else {
                "no answer from NATS for as long as the publish may take; the event may be stored"
            };
            let why = why.to_owned();
            self.answer(token, Err(TransportError::Unreachable(why)));
        }
        if self.open.is_empty() {
            self.to_send.clear();
            self.again.clear();
        }
        while let Some((_, token)) = self.again.pop_front_if(|(at, _)| *at <= now) {
            self.to_send.push_back(token);
        }
    }

    fn next_time(&self, closing: Option<Instant>) -> Instant {
        let expires = self.due.first().map(|(deadline, _)| *deadline);
        let again = self.again.front().map(|(at, _)| *at);
        let far = Instant::now() + Duration::from_hours(1);
        [closing, expires, again]
            .into_iter()
            .flatten()
            .fold(far, Instant::min)
    }
}

/// The answers that have come, at least one; `None` when the connection is gone.
async fn some(wire: Option<(&CancellationToken, &mut Subscriber)>) -> Option<Vec<Message>> {
    let Some((lost, answers)) = wire else {
        return std::future::pending().await;
    };
    let mut some = vec![lost.run_until_cancelled(answers.next()).await??];
    while some.len() < BATCH
        && let Some(Some(answer)) = answers.next().now_or_never()
    {
        some.push(answer);
    }
    Some(some)
}

/// The subjects to which this user may publish nothing, as the server has just said.
async fn subjects(denied: Option<&Denied>) -> Vec<String> {
    match denied {
        Some(denied) => denied.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until the client takes an event; `false` when it is gone.
async fn ready(client: Option<&mut Client>) -> bool {
    let Some(client) = client else {
        return std::future::pending().await;
    };
    poll_fn(|cx| client.poll_ready_unpin(cx)).await.is_ok()
}

impl From<Refusal> for TransportError {
    fn from(refusal: Refusal) -> Self {
        let Refusal {
            err_code,
            description,
        } = refusal;
        let text = format!("{description} (JetStream error {err_code})");
        if err_code == STORE_FAILED || description.starts_with("maximum ") {
            TransportError::Full(format!("{text}; raise the stream's limit or make room"))
        } else {
            TransportError::Refused(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_the_server_said() {
        let full = Refusal {
            err_code: 10_077,
            description: "maximum messages exceeded".into(),
        };
        assert!(
            matches!(full.into(), TransportError::Full(text) if text.contains("maximum messages exceeded"))
        );
        let other = Refusal {
            err_code: 10_054,
            description: "message size exceeds maximum allowed".into(),
        };
        assert!(matches!(other.into(), TransportError::Refused(text) if text.contains("10054")));
    }
}
