//! A dead letter as it is stored: the event byte for byte, and why it is here.

use super::additions;
use super::held::{Held, Subscribed};
use crate::event::{Headers, Message};
use crate::transport::{Destination, Outgoing};
use bytes::Bytes;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The longest error text, in bytes.
const ERROR_BYTES: usize = 1024;

/// The dead letter of an event that has a fault, within `limit` bytes where that can be: the error's text
/// is left out first, then every addition but topic, position and reason.
pub(super) fn outgoing(
    event: &Held,
    subscribed: &Subscribed,
    limit: usize,
    deadline: Instant,
) -> Outgoing {
    let additions = additions(event, subscribed, SystemTime::now());
    let keep = |left_out: &dyn Fn(&str) -> bool| {
        let kept = additions.iter().filter(|(name, _)| !left_out(name));
        let kept = kept.map(|(name, value)| (Arc::<str>::from(*name), Bytes::from(value.clone())));
        let original = event.message.headers.iter();
        let headers: Headers = original
            .map(|(name, value)| (Arc::<str>::from(name), value.clone()))
            .chain(kept)
            .collect();
        Message {
            headers,
            ..event.message.clone()
        }
    };
    let essential = [additions::TOPIC, additions::POSITION, additions::REASON];
    let mut message = keep(&|_| false);
    if message.size() > limit {
        message = keep(&|name| name == additions::ERROR);
    }
    if message.size() > limit {
        message = keep(&|name| !essential.contains(&name));
    }
    let source = event.source.name();
    let id = format!(
        "{}/{}/{source}/{}",
        subscribed.group, event.message.topic, event.position
    );
    Outgoing {
        message,
        destination: Destination::DeadLetters {
            group: Arc::clone(&subscribed.group),
            id: id.into(),
        },
        from_handler: true,
        deadline,
    }
}

fn additions(
    event: &Held,
    subscribed: &Subscribed,
    now: SystemTime,
) -> Vec<(&'static str, String)> {
    let fault = event
        .fault
        .as_ref()
        .expect("only an event with a fault is buried");
    let stands = || format!("{}/{}", event.source.name(), event.position);
    // Of an event that was replayed: where it stood at first, and how often it was attempted in all.
    let (position, before) = match &event.replayed {
        Some(replayed) => (
            replayed.position.clone().unwrap_or_else(stands),
            replayed.attempts,
        ),
        None => (stands(), 0),
    };
    let attempts = fault.attempts.saturating_add(before);
    vec![
        (additions::ID, event.message.id.to_string()),
        (additions::TOPIC, event.message.topic.to_string()),
        (additions::POSITION, position),
        (additions::TIME, rfc3339(event.message.time)),
        (additions::GROUP, subscribed.group.to_string()),
        (additions::HANDLER, subscribed.name.to_owned()),
        (additions::REASON, fault.reason.to_string()),
        (additions::ERROR, one_line(&fault.error)),
        (additions::ATTEMPTS, attempts.to_string()),
        (additions::AT, rfc3339(now)),
    ]
}

/// The time as RFC 3339, which has four digits for the year: what is outside of it is its beginning or end.
fn rfc3339(time: SystemTime) -> String {
    let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(time.clamp(UNIX_EPOCH, last)).to_string()
}

/// Header values are ASCII without line breaks on every broker: other characters are written as Rust
/// escapes them, and the text is cut.
fn one_line(error: &str) -> String {
    let mut text = String::new();
    for character in error.chars() {
        let piece: String = match character {
            ' '..='~' => character.into(),
            other => other.escape_default().collect(),
        };
        if text.len() + piece.len() > ERROR_BYTES {
            break;
        }
        text.push_str(&piece);
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_calendar_has_is_its_nearest() {
        assert_eq!(
            rfc3339(UNIX_EPOCH - Duration::from_secs(1)),
            "1970-01-01T00:00:00.000Z"
        );
        let far = UNIX_EPOCH + Duration::from_hours(24 * 365 * 20_000);
        assert_eq!(rfc3339(far), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn an_error_is_one_line_of_ascii_and_cut() {
        assert_eq!(one_line("first\nsécond "), "first\\ns\\u{e9}cond");
        assert_eq!(one_line(&"x".repeat(5000)).len(), ERROR_BYTES);
    }
}
