//! What a consumer reads: the events of all groups, or what is replayed for one.

use super::api::ApiError;
use super::layout::Layout;
use super::link::Link;
use super::options::NatsOptions;
use super::setup::{self, ApiOrTransport};
use crate::transport::{Epoch, Intake, Source};
use async_nats::jetstream::stream;
use std::sync::Arc;

/// What a consumer reads: a stream, and which subjects of it.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    layout: Layout,
    stream: Arc<str>,
    /// Of replays, for whom.
    group: Option<Arc<str>>,
}

impl Feed {
    /// The events of all groups.
    pub(super) fn events(layout: Layout) -> Self {
        Feed {
            stream: layout.stream().into(),
            layout,
            group: None,
        }
    }

    /// What is replayed for a group.
    pub(super) fn replays(layout: Layout, group: Arc<str>) -> Self {
        Feed {
            stream: layout.replay_stream().into(),
            layout,
            group: Some(group),
        }
    }

    pub(super) fn is_replays(&self) -> bool {
        self.group.is_some()
    }

    pub(super) fn stream(&self) -> &str {
        &self.stream
    }

    /// Every subject that is read.
    pub(super) fn subjects(&self) -> String {
        match &self.group {
            None => self.layout.subjects(),
            Some(group) => self.layout.replay_subjects_of(group),
        }
    }

    /// The topic of a subject, or nothing where it is no subject of ours.
    pub(super) fn topic<'a>(&self, subject: &'a str) -> Option<&'a str> {
        match &self.group {
            None => self.layout.topic(subject),
            Some(group) => self.layout.replay_topic(group, subject),
        }
    }

    /// Opens the source of what is read.
    pub(super) fn open(
        &self,
        intake: &Intake,
        epoch: Epoch,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Source {
        match self.group {
            None => intake.open(&self.stream, epoch, wake),
            Some(_) => intake.open_replays(&self.stream, epoch, wake),
        }
    }

    /// Makes the stream again, which is gone, and what stands beside it.
    pub(super) async fn make_again(
        &self,
        link: &Link,
        options: &NatsOptions,
    ) -> Result<(), ApiOrTransport> {
        if !self.is_replays() {
            setup::events(link, options).await?;
            setup::dead_letters(link, &self.layout, options).await?;
        }
        setup::replays(link, &self.layout, options).await
    }

    pub(super) async fn info(&self, link: &Link) -> Result<stream::Info, ApiError> {
        setup::stream_info(link, &self.stream).await
    }
}
