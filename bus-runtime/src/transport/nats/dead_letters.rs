//! The dead letters of a group: read and removed.

use super::acks::Delivered;
use super::api::ApiError;
use super::layout::Layout;
use super::link::Link;
use super::wire;
use crate::transport::{Letter, Position};
use async_nats::jetstream::consumer::{AckPolicy, Config, DeliverPolicy, Info};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the server keeps the reader, should its end be lost.
const KEPT: Duration = Duration::from_secs(30);
/// How long one event may take to come.
const SILENCE: Duration = Duration::from_secs(5);
/// The most bytes of what is read in one go, but for one larger dead letter.
const BYTES: usize = 8 << 20;
/// What the server counts of a message beside what its limit holds: subjects.
const BESIDE: usize = 4096;
/// JetStream's own codes for a message that is not there, and for one that cannot be deleted for a reason in the text.
const GONE: [u64; 2] = [10_037, 10_043];
const NOT_DELETED: u64 = 10_057;

/// The dead letters of a group from a position on, at most `limit`.
pub(super) async fn read(
    link: &Link,
    layout: &Layout,
    group: &str,
    from: Position,
    limit: usize,
) -> Result<Vec<Letter>, ApiError> {
    let stream = layout.dead_stream();
    // A reader of its own, which leaves no trace: dead letters are only looked at.
    let config = Config {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: from.max(1),
        },
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
) -> Result<Vec<Letter>, ApiError> {
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
    let bytes = BYTES.max(link.client.max_payload() + BESIDE);
    let request = json!({ "batch": count, "max_bytes": bytes, "no_wait": true });
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
        let letter = wire::dead_letter(message, topic, &stream, &delivered);
        letters.push(Letter::new(delivered.position, letter));
    }
    if let Err(error) = answers.unsubscribe().await {
        tracing::debug!("the inbox ends with its connection: {error}");
    }
    Ok(letters)
}

/// The position of a group's newest dead letter.
pub(super) async fn newest(
    link: &Link,
    layout: &Layout,
    group: &str,
) -> Result<Option<Position>, ApiError> {
    #[derive(Deserialize)]
    struct Answer {
        message: Stored,
    }
    #[derive(Deserialize)]
    struct Stored {
        seq: Position,
    }
    let subject = format!("STREAM.MSG.GET.{}", layout.dead_stream());
    let request = json!({ "last_by_subj": layout.dead_subjects_of(group) });
    match link.api::<Answer>(&subject, &request).await {
        Ok(found) => Ok(Some(found.message.seq)),
        Err(error) if error.is_stream_missing() || is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes dead letters.
pub(super) async fn remove(
    link: &Link,
    layout: &Layout,
    letters: &[Letter],
) -> Result<(), ApiError> {
    let subject = format!("STREAM.MSG.DELETE.{}", layout.dead_stream());
    for letter in letters {
        let request = json!({ "seq": letter.position, "no_erase": true });
        match link.api::<Value>(&subject, &request).await {
            Err(error) if !is_gone(&error) => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn is_gone(error: &ApiError) -> bool {
    let ApiError::Refused { code, text } = error else {
        return false;
    };
    GONE.contains(code) || (*code == NOT_DELETED && text.contains("no message found"))
}
