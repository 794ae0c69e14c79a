//! The transport as the bus holds it.

use super::api::ApiError;
use super::connection::{Connector, Links, Listeners, keep};
use super::consume;
use super::layout::Layout;
use super::link::Link;
use super::options::NatsOptions;
use super::publisher::{Publisher, Queued};
use super::{dead_letters, setup};
use crate::bus::Provision;
use crate::event::check_name;
use crate::transport::{
    Acknowledge, BoxFuture, Buried, Capabilities, Confirm, Consumer, Intake, Leftover, Letter,
    Outgoing, Position, Subscription, Transport, TransportError,
};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A NATS cluster with JetStream.
#[derive(Debug)]
pub(crate) struct Nats {
    options: Arc<NatsOptions>,
    layout: Layout,
    max_event: usize,
    links: Links,
    listeners: Listeners,
    queue: mpsc::UnboundedSender<Queued>,
    /// Until when the publisher waits for answers, once it is to end.
    publisher_closing: watch::Sender<Option<Instant>>,
    publisher: AbortHandle,
    /// Cancelled when the publisher has ended.
    published: CancellationToken,
    /// Ends the keeping of a connection.
    closing: CancellationToken,
    tracker: TaskTracker,
}

/// Connects, and makes or looks at the stream of events.
pub(crate) async fn connect(options: NatsOptions) -> Result<Nats, TransportError> {
    if let Some(fault) = check_name(&options.namespace, 32) {
        return Err(TransportError::Refused(format!(
            "`{}` is no namespace: {fault}",
            options.namespace
        )));
    }
    if options.partitions == 0 {
        return Err(TransportError::Refused(
            "a stream has at least one partition".into(),
        ));
    }
    let options = Arc::new(options);
    let tracker = TaskTracker::new();
    let mut connector = Connector::new(Arc::clone(&options), tracker.clone())?;
    let deadline = Instant::now() + options.connect_timeout;
    let (link, partitions) = loop {
        let link = connector.first().await?;
        setup::check_server(&link)?;
        match setup::events(&link, &options).await {
            Ok(partitions) => break (link, partitions),
            Err(error) if error.is_transient() && Instant::now() < deadline => {
                let error = error.during("looking at the stream of events");
                crate::observe::warning!("{error}; trying again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(error.during("the stream of events")),
        }
    };
    let layout = Layout::new(&options.namespace, partitions);
    let max_event = link.client.max_payload();
    let (links_sender, links) = watch::channel(Some(link));
    let (queue, queued) = mpsc::unbounded_channel();
    let (publisher_closing, closing_seen) = watch::channel(None);
    let publisher = Publisher::new(layout.clone(), queued, links.clone(), closing_seen);
    let done = CancellationToken::new();
    let ended = done.clone().drop_guard();
    let publisher = tracker.spawn(async move {
        let _ended = ended;
        publisher.run().await;
    });
    let publisher = publisher.abort_handle();
    let closing = CancellationToken::new();
    let listeners = Listeners::default();
    tracker.spawn(keep(
        connector,
        links_sender,
        listeners.clone(),
        closing.clone(),
    ));
    Ok(Nats {
        options,
        layout,
        max_event,
        links,
        listeners,
        queue,
        publisher_closing,
        publisher,
        published: done,
        closing,
        tracker,
    })
}

impl Transport for Nats {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            acknowledge: Acknowledge::Each,
            progress: true,
            revokes: false,
            deduplicates: true,
            replays: true,
            max_event: self.max_event,
        }
    }

    fn consume(
        &self,
        subscription: Subscription,
        intake: Intake,
    ) -> BoxFuture<'_, Result<Box<dyn Consumer>, TransportError>> {
        Box::pin(consume::consume(
            subscription,
            intake,
            self.layout.clone(),
            Arc::clone(&self.options),
            self.links.clone(),
            &self.listeners,
            &self.tracker,
        ))
    }

    fn publish(&self, outgoing: Outgoing, confirm: Confirm) {
        if let Err(mpsc::error::SendError(queued)) = self.queue.send(Queued { outgoing, confirm }) {
            queued.confirm.answer(Err(TransportError::Closed));
        }
    }

    fn buried(&self) -> &dyn Buried {
        self
    }

    fn close(&self, deadline: Instant) -> BoxFuture<'_, Leftover> {
        Box::pin(async move {
            // The publisher needs the connection until all is answered.
            let (inner, end) = consume::deadlines(deadline);
            self.publisher_closing.send_replace(Some(inner));
            if tokio::time::timeout_at(end, self.published.cancelled())
                .await
                .is_err()
            {
                self.publisher.abort();
            }
            self.closing.cancel();
            self.listeners.clear();
            self.tracker.close();
            if tokio::time::timeout_at(consume::deadlines(deadline).1, self.tracker.wait())
                .await
                .is_ok()
            {
                return Leftover::default();
            }
            Leftover(vec![format!(
                "the connection to NATS: {} of its tasks",
                self.tracker.len()
            )])
        })
    }
}

impl Nats {
    fn link(&self) -> Result<Link, TransportError> {
        let link = self.links.borrow().clone();
        link.ok_or_else(|| TransportError::Unreachable("the connection to NATS is lost".into()))
    }

    async fn has_consumer(&self, group: &str) -> Result<bool, ApiError> {
        let Ok(link) = self.link() else {
            return Err(ApiError::Silent("the connection was lost".into()));
        };
        match setup::consumer_info(&link, self.layout.stream(), group).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_consumer_missing() => {
                let newest = dead_letters::newest(&link, &self.layout, group).await?;
                Ok(newest.is_some())
            }
            Err(error) if error.is_stream_missing() => Ok(false),
            // Not everybody may ask.
            Err(_) if self.options.provision == Provision::None => Ok(true),
            Err(error) => Err(error),
        }
    }
}

impl Buried for Nats {
    fn knows<'a>(&'a self, group: &'a str) -> BoxFuture<'a, Result<bool, TransportError>> {
        Box::pin(async move {
            let known = self.has_consumer(group).await;
            known.map_err(|error| error.during(&format!("the group `{group}`")))
        })
    }

    fn list<'a>(
        &'a self,
        group: &'a str,
        from: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Letter>, TransportError>> {
        Box::pin(async move {
            let link = self.link()?;
            let letters = dead_letters::read(&link, &self.layout, group, from, limit).await;
            letters.map_err(|error| error.during("reading"))
        })
    }

    fn newest<'a>(
        &'a self,
        group: &'a str,
    ) -> BoxFuture<'a, Result<Option<Position>, TransportError>> {
        Box::pin(async move {
            let link = self.link()?;
            let newest = dead_letters::newest(&link, &self.layout, group).await;
            newest.map_err(|error| error.during("looking for the newest"))
        })
    }

    fn remove<'a>(
        &'a self,
        _group: &'a str,
        letters: &'a [Letter],
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let link = self.link()?;
            let removed = dead_letters::remove(&link, &self.layout, letters).await;
            removed.map_err(|error| error.during("removing"))
        })
    }

    fn prepare_replay<'a>(&'a self, _group: &'a str) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let link = self.link()?;
            let made = setup::replays(&link, &self.layout, &self.options).await;
            made.map_err(|error| error.during("the stream of replays"))
        })
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.closing.cancel();
    }
}
