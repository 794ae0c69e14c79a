//! A new beginning: behind the acknowledged events, in order, with nothing left out.

use super::{
    ConsumerLoop, Generation, LONGEST_WAIT, Phase, closing, now_as_epoch, open_source, present,
    publish_all,
};
use crate::bus::Provision;
use crate::transport::nats::acks::ACK;
use crate::transport::nats::api::ApiError;
use crate::transport::nats::link::Link;
use crate::transport::nats::mark::Mark;
use crate::transport::nats::setup::{self, ApiOrTransport, Durable};
use crate::transport::nats::unreadable;
use crate::transport::{Position, Revoke};
use async_nats::jetstream::consumer::Info;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

impl ConsumerLoop {
    /// The next generation, or the deadline if it is closed before there is one.
    pub(super) async fn renew(&mut self, quick: u32) -> Result<Generation, Instant> {
        let mut attempt = quick;
        loop {
            if attempt > 0 {
                let wait = Duration::from_millis(50)
                    .saturating_mul(1 << attempt.min(10))
                    .min(LONGEST_WAIT);
                self.unless_closing(tokio::time::sleep(wait)).await?;
            }
            attempt += 1;
            let mut links = self.links.clone();
            let link = self
                .unless_closing(async move { present(&mut links).await })
                .await?;
            let Some(link) = link else {
                // The transport is closed; only the end is left.
                return Err(closing(self.phase.clone()).await);
            };
            if *self.phase.borrow() != Phase::Running {
                let acks = self.last_acks.clone();
                publish_all(&link, acks, ACK).await;
                return Ok(Generation::without_intake(link, 0));
            }
            // Dropped half way, it leaves a consumer that the next process resets.
            let end = closing(self.phase.clone());
            let reset = tokio::select! {
                deadline = end => return Err(deadline),
                reset = self.reset(link) => reset,
            };
            match reset {
                Ok(generation) => return Ok(generation),
                Err(error) if error.is_transient() => {
                    let error = error.during("resetting the consumer");
                    crate::observe::warning!(
                        group = &*self.group,
                        attempt,
                        "cannot go on yet: {error}; trying again"
                    );
                }
                Err(error) => {
                    self.intake
                        .fail(&error.during(&format!("the consumer of group `{}`", self.group)));
                    return Err(closing(self.phase.clone()).await);
                }
            }
        }
    }

    async fn unless_closing<T>(&self, future: impl Future<Output = T>) -> Result<T, Instant> {
        tokio::select! {
            deadline = closing(self.phase.clone()) => Err(deadline),
            result = future => Ok(result),
        }
    }

    /// Starts again behind the acknowledged events: in order, with nothing left out.
    pub(super) async fn reset(&mut self, link: Link) -> Result<Generation, ApiOrTransport> {
        self.look_at_the_stream(&link).await?;
        // Looked up first: a reset of a consumer that is not there has no answer at all.
        self.durable = setup::consumer(&link, &self.feed, &self.group, &self.options).await?;
        let Durable {
            name,
            stream,
            is_new,
            ..
        } = &self.durable;
        // A consumer that was made anew begins at the first event; what this process has settled need not
        // come again.
        let mut from = match self.source.settled_prefix() {
            // Of replays, it is not even there any more.
            Some(prefix) if *is_new && !self.feed.is_replays() => json!({ "seq": prefix + 1 }),
            _ => json!({}),
        };
        let subject = format!("CONSUMER.RESET.{stream}.{name}");
        if self.stuck.0 >= 2
            && let Some(position) = self.pass_unreadable(&link).await?
        {
            from = json!({ "seq": position + 1 });
        }
        let info: Info = link.api(&subject, &from).await?;
        self.open.clear();
        // What was acknowledged before is known to the server, or comes again.
        self.last_ack = None;
        self.floor = info.ack_floor.stream_sequence;
        self.recall(&link).await?;
        let next = info.delivered.consumer_sequence + 1;
        Generation::open(link, next, self.feed.is_replays())
            .await
            .ok_or_else(|| ApiError::Silent("the connection was lost".into()).into())
    }

    /// Tells the source which of the events above the floor the run before has settled.
    ///
    /// At each reset anew, for as long as such events are to come: the server may have lost them since.
    async fn recall(&mut self, link: &Link) -> Result<(), ApiError> {
        let mark = match (&self.durable.settled, self.stream_created) {
            (Some(text), Some(created)) => {
                let Some(mark) = Mark::parse(text) else {
                    return Ok(());
                };
                if mark.seen.position <= self.newest {
                    return Ok(());
                }
                mark.verify(link, &self.durable, created, self.floor)
                    .await?
            }
            _ => None,
        };
        if let Some(mark) = mark {
            tracing::info!(
                group = &*self.group,
                floor = self.floor,
                settled = mark.settled.len(),
                "events that were settled before the last shutdown are not handled again"
            );
            self.seen = Some(mark.seen);
            self.source.known_settled(mark.settled);
        } else {
            self.seen = self.seen.filter(|seen| seen.position <= self.newest);
            self.source.known_settled(Vec::new());
        }
        Ok(())
    }

    /// Delivers the next event past the client, if the client cannot read it, and waits until it and all
    /// before it are settled: then the consumer may go on behind it. `None` where there is no such event, or
    /// the bus takes no more.
    async fn pass_unreadable(&self, link: &Link) -> Result<Option<Position>, ApiError> {
        let came = self.newest.max(self.floor);
        let Some(event) = unreadable::behind(link, &self.feed, came).await? else {
            return Ok(None);
        };
        let position = event.position;
        crate::observe::warning!(
            stream = self.feed.stream(),
            group = &*self.group,
            position,
            "the NATS client cannot read the headers of an event; it is taken one by one"
        );
        let mut event = Some(event);
        let mut phase = self.phase.clone();
        loop {
            // Read before it is looked at: while something is unread, a settlement wakes nobody. What is read
            // here is covered by the reset.
            self.source.take_settled(&mut Vec::new());
            if self.source.settled_prefix() >= Some(position) {
                break;
            }
            if let Some(next) = event.take() {
                let grant = self.source.reserve(1, next.message.size().max(1));
                if grant.events == 1 {
                    self.source.deliver(vec![next]);
                    continue;
                }
                event = Some(next);
            }
            tokio::select! {
                () = self.wake.notified() => {}
                _ = phase.wait_for(|phase| *phase != Phase::Running) => return Ok(None),
                () = link.lost.cancelled() => {
                    return Err(ApiError::Silent("the connection was lost".into()));
                }
            }
        }
        Ok(Some(position))
    }

    /// Makes a stream that is gone again, and finds out whether its positions are still the same ones.
    async fn look_at_the_stream(&mut self, link: &Link) -> Result<(), ApiOrTransport> {
        let info = match self.feed.info(link).await {
            Err(error)
                if error.is_stream_missing() && self.options.provision == Provision::Create =>
            {
                self.feed.make_again(link, &self.options).await?;
                self.feed.info(link).await?
            }
            Err(error) if !error.is_transient() && self.options.provision == Provision::None => {
                tracing::debug!("the stream cannot be looked at: {error}");
                return Ok(());
            }
            result => result?,
        };
        let created = info.created.unix_timestamp_nanos();
        let same = self.stream_created.is_none_or(|known| known == created);
        if !same || info.state.last_sequence < self.newest {
            crate::observe::error!(
                stream = self.feed.stream(),
                group = &*self.group,
                newest = self.newest,
                last = info.state.last_sequence,
                "the stream was made anew or has lost events: starting again at its beginning"
            );
            self.source.revoke(Revoke::Lost);
            let epoch = now_as_epoch().max(self.source.epoch() + 1);
            self.source = open_source(&self.intake, &self.feed, &self.wake, epoch);
            self.newest = 0;
            self.seen = None;
        }
        self.stream_created = Some(created);
        Ok(())
    }
}
