//! Events with headers that the client cannot read: at each it drops the connection, and the server would
//! deliver it again on the next one, for ever.

use super::api::ApiError;
use super::feed::Feed;
use super::link::Link;
use super::wire;
use crate::event::Message;
use crate::transport::{Incoming, Position};
use async_nats::header::HeaderName;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::str::FromStr;
use std::time::SystemTime;

/// JetStream's own code for a message that is not there.
const NO_MESSAGE: u64 = 10_037;

#[derive(Deserialize)]
struct Stored {
    message: Raw,
}

#[derive(Deserialize)]
struct Raw {
    subject: String,
    seq: Position,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

/// The event behind `position`, if the client cannot read it: as the server has it, its headers byte for
/// byte.
pub(super) async fn behind(
    link: &Link,
    feed: &Feed,
    position: Position,
) -> Result<Option<Incoming>, ApiError> {
    let request = json!({ "seq": position + 1, "next_by_subj": feed.subjects() });
    let subject = format!("STREAM.MSG.GET.{}", feed.stream());
    let stored = match link.api::<Stored>(&subject, &request).await {
        Err(ApiError::Refused {
            code: NO_MESSAGE, ..
        }) => return Ok(None),
        stored => stored?.message,
    };
    let undecodable = |error| ApiError::Silent(format!("JetStream's answer is no base64: {error}"));
    let headers = STANDARD.decode(&stored.hdrs).map_err(undecodable)?;
    let Some(topic) = feed.topic(&stored.subject) else {
        return Ok(None);
    };
    if is_readable(&headers) {
        return Ok(None);
    }
    let time = humantime::parse_rfc3339(&stored.time).unwrap_or(SystemTime::UNIX_EPOCH);
    let message = Message {
        payload: STANDARD.decode(&stored.data).map_err(undecodable)?.into(),
        time,
        ..wire::raw_event(lines(&headers), topic, feed.stream(), stored.seq)
    };
    Ok(Some(Incoming {
        position: stored.seq,
        message,
    }))
}

/// Whether the client reads them: what its parser asks for.
fn is_readable(headers: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(headers) else {
        return false;
    };
    let mut lines = text.lines().skip(1).filter(|line| !line.is_empty());
    lines.all(|line| {
        line.starts_with(char::is_whitespace)
            || line
                .split_once(':')
                .is_some_and(|(name, _)| HeaderName::from_str(name).is_ok())
    })
}

/// Names and values; a name that is not UTF-8 has its bytes replaced.
fn lines(headers: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let lines = headers.split(|byte| *byte == b'\n').skip(1);
    lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8_lossy(line.get(..colon)?).into_owned();
        Some((name, line.get(colon + 1..)?.trim_ascii()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_cannot_read_is_found() {
        for (headers, readable) in [
            (&b""[..], true),
            (b"NATS/1.0\r\na: b\r\n\r\n", true),
            (b"NATS/1.0\r\na: b\r\n c\r\n\r\n", true),
            (b"NATS/1.0\r\na: \xff\r\n\r\n", false),
            (b"NATS/1.0\r\na b: c\r\n\r\n", false),
            (b"NATS/1.0\r\nabc\r\n\r\n", false),
        ] {
            assert_eq!(is_readable(headers), readable, "{}", headers.escape_ascii());
        }
    }

    #[test]
    fn headers_are_kept_byte_for_byte() {
        let found: Vec<_> = lines(b"NATS/1.0\r\na: \xff\r\nb:c\r\n\r\n").collect();
        assert_eq!(
            found,
            [("a".to_owned(), &b"\xff"[..]), ("b".to_owned(), b"c")]
        );
    }
}
