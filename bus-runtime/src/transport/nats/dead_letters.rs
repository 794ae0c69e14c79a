//! Reads the dead letters of a group.

use super::acks::Delivered;
use super::api::ApiError;
use super::layout::Layout;
use super::link::Link;
use super::wire;
use crate::event::Message;
use async_nats::jetstream::consumer::{AckPolicy, Config, DeliverPolicy, Info};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the server keeps the reader, should its end be lost.
const KEPT: Duration = Duration::from_secs(30);
/// How long one event may take to come.
const SILENCE: Duration = Duration::from_secs(5);

/// The oldest dead letters of a group, at most `limit`.
pub(super) async fn read(
    link: &Link,
    layout: &Layout,
    group: &str,
    limit: usize,
) -> Result<Vec<Message>, ApiError> {
    let stream = layout.dead_stream();
    // A reader of its own, which leaves no trace: dead letters are only looked at.
    let config = Config {
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::None,
        filter_subject: layout.dead_subjects_of(group),
        inactive_threshold: KEPT,
        memory_storage: true,
        num_replicas: 1,
        ..Config::default()
    };
    let request = json!({ "stream_name": stream, "config": config });
    let made = match link
        .api::<Info>(&format!("CONSUMER.CREATE.{stream}"), &request)
        .await
    {
        // Made with the group's first consumer.
        Err(error) if error.is_stream_missing() => return Ok(Vec::new()),
        made => made?,
    };
    let waiting = usize::try_from(made.num_pending).unwrap_or(usize::MAX);
    let letters = pull(link, layout, group, &made.name, limit.min(waiting)).await;
    let deleted = link
        .api::<Value>(
            &format!("CONSUMER.DELETE.{stream}.{}", made.name),
            &json!({}),
        )
        .await;
    if let Err(error) = deleted {
        tracing::debug!(
            stream,
            consumer = made.name,
            "the reader of dead letters ends by itself: {error}"
        );
    }
    letters
}

async fn pull(
    link: &Link,
    layout: &Layout,
    group: &str,
    reader: &str,
    count: usize,
) -> Result<Vec<Message>, ApiError> {
    let mut letters = Vec::new();
    if count == 0 {
        return Ok(letters);
    }
    let stream = layout.dead_stream();
    let silent = |why: &str| {
        ApiError::Silent(format!(
            "reading the dead letters of group `{group}`: {why}"
        ))
    };
    let inbox = link.client.new_inbox();
    let subscribed = link.client.subscribe(inbox.clone()).await;
    let mut answers = subscribed.map_err(|error| silent(&error.to_string()))?;
    let request = json!({ "batch": count, "no_wait": true });
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{reader}");
    let sent = link
        .client
        .publish_with_reply(subject, inbox, request.to_string().into())
        .await;
    sent.map_err(|error| silent(&error.to_string()))?;
    while letters.len() < count {
        let answer = link
            .until_lost(tokio::time::timeout(SILENCE, answers.next()))
            .await;
        let message = match answer {
            Some(Ok(Some(message))) => message,
            Some(Err(_)) => return Err(silent("no answer")),
            _ => return Err(silent("the connection was lost")),
        };
        let Some(delivered) = message.reply.as_deref().and_then(Delivered::parse) else {
            // A status: there is nothing more.
            break;
        };
        let subject = message.subject.clone();
        let topic = layout.dead_topic(group, &subject).unwrap_or(&subject);
        letters.push(wire::dead_letter(message, topic, &stream, &delivered));
    }
    if let Err(error) = answers.unsubscribe().await {
        tracing::debug!("the inbox ends with its connection: {error}");
    }
    Ok(letters)
}
