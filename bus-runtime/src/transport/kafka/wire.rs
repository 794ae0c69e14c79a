//! An event as a Kafka record, and back.

use crate::event::{EventId, Headers, Key, Message};
use crate::transport::{Destination, TransportError};
use bytes::Bytes;
use rdkafka::message::{Header, OwnedHeaders};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The largest event with key and headers, in bytes. Brokers take 1 048 588 bytes if they are not told otherwise.
pub(super) const MAX_EVENT: usize = 1_000_000;
/// The largest record: an event, and how it is written. With what stands around a record, brokers take it.
pub(super) const MAX_RECORD: usize = MAX_EVENT + 40_000;

const ID: &str = "bus-id";
const DEAD_ID: &str = "bus-dead-id";
const DEAD_TOPIC: &str = "bus-dead-topic";
const DEAD_POSITION: &str = "bus-dead-position";
const REPLAY_TOPIC: &str = "bus-replay-topic";

/// What the client counts at most for the numbers in a record: length, attributes, time, offset, the lengths of key
/// and value, the number of headers.
const AROUND: usize = 36;

/// The headers of an event's record: its id, and its own in their order. Key and payload are the record's.
pub(super) fn headers(
    message: &Message,
    destination: &Destination,
) -> Result<OwnedHeaders, TransportError> {
    // Of an event that was published before, whatever it has.
    let dead = !matches!(destination, Destination::Topic);
    let event = message.size();
    if !dead && event > MAX_EVENT {
        return Err(TransportError::TooLarge {
            size: event,
            limit: MAX_EVENT,
        });
    }
    let mut headers = OwnedHeaders::new_with_capacity(message.headers.len() + 1);
    let mut size = event + AROUND;
    if !(dead && is_position(message)) {
        let id = message.id.as_str();
        headers = headers.insert(Header {
            key: ID,
            value: Some(id),
        });
        size += written(ID, id.as_bytes());
    }
    if let Destination::Replay { .. } = destination {
        headers = headers.insert(Header {
            key: REPLAY_TOPIC,
            value: Some(&*message.topic),
        });
        size += written(REPLAY_TOPIC, message.topic.as_bytes());
    }
    for (name, value) in message.headers.iter() {
        // A dead letter has to be stored, whatever the original has.
        if !dead {
            check(message, name)?;
        }
        headers = headers.insert(Header {
            key: name,
            value: Some(&**value),
        });
        size += written(name, value) - name.len() - value.len();
    }
    // Only with thousands of headers, or as a dead letter.
    if size > MAX_RECORD {
        return Err(TransportError::TooLarge {
            size,
            limit: MAX_RECORD,
        });
    }
    Ok(headers)
}

/// Whether an event's id is the position that its dead letter names: then it came without an id.
fn is_position(message: &Message) -> bool {
    last(&message.headers, DEAD_POSITION) == Some(message.id.as_str())
}

/// The last value of a header: what a dead letter adds follows the original's own.
fn last<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().rfind(|(found, _)| *found == name)?;
    std::str::from_utf8(value).ok()
}

fn check(message: &Message, name: &str) -> Result<(), TransportError> {
    let fault = if name == ID {
        format!("the bus itself writes the header `{ID}`; leave it out")
    } else if name.is_empty() {
        "a header has an empty name".to_owned()
    } else if name.contains('\0') {
        format!(
            "the header `{}` has a zero byte in its name",
            name.escape_default()
        )
    } else {
        return Ok(());
    };
    Err(TransportError::Refused(format!(
        "an event of topic `{}`: {fault}",
        message.topic
    )))
}

/// The bytes of a header in a record: each length stands before it.
fn written(name: &str, value: &[u8]) -> usize {
    number(name.len()) + name.len() + number(value.len()) + value.len()
}

/// The bytes of a length: seven bits in each, one bit for the sign.
fn number(length: usize) -> usize {
    let bits = (usize::BITS - length.leading_zeros() + 1) as usize;
    bits.div_ceil(7)
}

/// The event in a record. Without an id, it has its position: `<source>/<offset>`.
pub(super) fn event(
    topic: Arc<str>,
    source_name: &str,
    offset: u64,
    key: Option<&[u8]>,
    payload: Option<&[u8]>,
    mut headers: Vec<(String, Bytes)>,
    time_ms: Option<i64>,
) -> Message {
    let id = headers.iter().position(|(name, _)| name == ID);
    let id = id.and_then(|at| {
        let id = std::str::from_utf8(&headers[at].1).ok();
        let id = EventId::from(id.filter(|id| !id.is_empty())?);
        headers.remove(at);
        Some(id)
    });
    Message {
        topic,
        key: key.map_or(Key::NONE, |key| {
            Key::from_bytes(Bytes::copy_from_slice(key))
        }),
        id: id.unwrap_or_else(|| EventId::from(format!("{source_name}/{offset}"))),
        headers: if headers.is_empty() {
            Headers::new()
        } else {
            headers.into_iter().collect()
        },
        payload: payload.map_or_else(Bytes::new, Bytes::copy_from_slice),
        time: time(time_ms),
    }
}

/// The dead letter in a record: its topic and its id are the original event's.
pub(super) fn dead_letter(letter: Message) -> Message {
    let topic = last(&letter.headers, DEAD_TOPIC).map(Arc::from);
    let id = last(&letter.headers, DEAD_ID).map(EventId::from);
    Message {
        topic: topic.unwrap_or_else(|| Arc::clone(&letter.topic)),
        id: id.unwrap_or_else(|| letter.id.clone()),
        ..letter
    }
}

/// The replay in a record: its topic is the original event's.
pub(super) fn replay(record: Message) -> Message {
    // It stands in front of the event's own headers.
    let at = record
        .headers
        .iter()
        .position(|(name, _)| name == REPLAY_TOPIC);
    let topic = record.headers.get(REPLAY_TOPIC).map(Arc::from);
    let headers = record.headers.iter().enumerate();
    let headers = headers.filter(|(index, _)| Some(*index) != at);
    Message {
        topic: topic.unwrap_or_else(|| Arc::clone(&record.topic)),
        headers: headers
            .map(|(_, (name, value))| (name.to_owned(), value.clone()))
            .collect(),
        ..record
    }
}

/// Milliseconds since 1970, as Kafka counts time; a record without one is from 1970.
fn time(milliseconds: Option<i64>) -> SystemTime {
    let since = milliseconds.and_then(|time| u64::try_from(time).ok());
    since
        .and_then(|time| UNIX_EPOCH.checked_add(Duration::from_millis(time)))
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::message::Headers as _;

    const TOPIC: Destination = Destination::Topic;

    fn dead_letters() -> Destination {
        Destination::DeadLetters {
            group: "shop".into(),
            id: "shop/orders.placed/orders.placed/3/42".into(),
        }
    }

    fn message(id: &str, headers: &[(&str, &[u8])]) -> Message {
        let headers = headers.iter().copied();
        let headers = headers.map(|(name, value)| (name, Bytes::copy_from_slice(value)));
        Message {
            id: EventId::from(id),
            headers: headers.collect(),
            ..Message::new("orders.placed", Key::of("c-7"), "{}")
        }
    }

    fn sent(message: &Message, destination: &Destination) -> Vec<(String, Bytes)> {
        let headers = headers(message, destination).expect("valid");
        let one = |at| {
            let header = headers.as_borrowed().get(at);
            let value = header.value.expect("ours are never null");
            (header.key.to_owned(), Bytes::copy_from_slice(value))
        };
        (0..headers.as_borrowed().count()).map(one).collect()
    }

    fn pairs(pairs: &[(&str, &'static [u8])]) -> Vec<(String, Bytes)> {
        let pair =
            |(name, value): &(&str, &'static [u8])| ((*name).into(), Bytes::from_static(value));
        pairs.iter().map(pair).collect()
    }

    fn received(headers: Vec<(String, Bytes)>) -> Message {
        let topic = Arc::from("orders.placed");
        event(
            topic,
            "orders.placed/3",
            42,
            Some(b"c-7"),
            Some(b"{}"),
            headers,
            Some(1500),
        )
    }

    #[test]
    fn an_event_is_its_id_and_its_headers_in_order() {
        let own: [(&str, &[u8]); 4] = [("b", b"2"), ("a", b"1"), ("b", b""), ("A", b"\xff\0")];
        let event = message("id-1", &own);
        let written = sent(&event, &TOPIC);
        assert_eq!(
            written,
            pairs(&[
                ("bus-id", b"id-1"),
                ("b", b"2"),
                ("a", b"1"),
                ("b", b""),
                ("A", b"\xff\0")
            ])
        );
        let read = received(written);
        assert_eq!((&*read.topic, read.id.as_str()), ("orders.placed", "id-1"));
        assert_eq!(read.headers, event.headers);
        assert_eq!((read.key, &*read.payload), (Key::of("c-7"), &b"{}"[..]));
        assert_eq!(read.time, UNIX_EPOCH + Duration::from_millis(1500));
    }

    #[test]
    fn an_event_of_somebody_else_has_its_position_as_its_id() {
        assert_eq!(received(Vec::new()).id.as_str(), "orders.placed/3/42");
        for bad in [&b""[..], b"\xff"] {
            let read = received(vec![("bus-id".into(), Bytes::copy_from_slice(bad))]);
            assert_eq!(read.id.as_str(), "orders.placed/3/42");
            assert_eq!(
                read.headers.get_bytes("bus-id").map(|value| &**value),
                Some(bad)
            );
        }
        let twice = received(pairs(&[("a", b""), ("bus-id", b"1"), ("bus-id", b"2")]));
        assert_eq!(
            (twice.id.as_str(), twice.headers.get("bus-id")),
            ("1", Some("2"))
        );
    }

    #[test]
    fn no_key_and_no_value_are_not_the_empty_ones() {
        let event = |key, payload| event("t".into(), "t/0", 0, key, payload, Vec::new(), None);
        let tombstone = event(None, None);
        assert_eq!(
            (tombstone.key.as_bytes(), tombstone.payload.len()),
            (None, 0)
        );
        assert_eq!(tombstone.time, UNIX_EPOCH);
        assert_eq!(event(Some(b""), Some(b"")).key.as_bytes(), Some(&b""[..]));
    }

    #[test]
    fn what_cannot_be_carried_is_refused_by_name() {
        let cases = [
            ("bus-id", "the bus itself writes the header `bus-id`"),
            ("", "empty name"),
            ("a\0b", "the header `a\\u{0}b` has a zero byte"),
        ];
        for (name, fault) in cases {
            let bad = message("id-1", &[(name, b"x")]);
            let error = headers(&bad, &TOPIC).expect_err(name).to_string();
            assert!(
                error.contains(fault) && error.contains("`orders.placed`"),
                "{error}"
            );
            headers(&bad, &dead_letters()).expect("a dead letter has to be stored");
        }
    }

    #[test]
    fn a_dead_letter_has_the_id_that_came_in_a_header() {
        let letter = message(
            "id-1",
            &[("a", b"1"), ("bus-dead-position", b"orders.placed/3/42")],
        );
        assert_eq!(
            sent(&letter, &dead_letters()),
            pairs(&[
                ("bus-id", b"id-1"),
                ("a", b"1"),
                ("bus-dead-position", b"orders.placed/3/42")
            ])
        );
        let without = Message {
            id: EventId::from("orders.placed/3/42"),
            ..letter
        };
        assert_eq!(
            sent(&without, &dead_letters()),
            pairs(&[("a", b"1"), ("bus-dead-position", b"orders.placed/3/42")])
        );
    }

    #[test]
    fn a_dead_letter_is_of_the_original_topic_and_id() {
        let letter = dead_letter(received(pairs(&[
            ("bus-dead-id", b"by accident"),
            ("bus-dead-id", b"id-1"),
            ("bus-dead-topic", b"stock.reserved"),
        ])));
        assert_eq!(
            (&*letter.topic, letter.id.as_str()),
            ("stock.reserved", "id-1")
        );
        assert_eq!(letter.headers.len(), 3);
    }

    #[test]
    fn a_replay_names_its_topic_before_its_own_headers() {
        let own: [(&str, &[u8]); 2] = [("a", b"1"), ("bus-replay-topic", b"its own")];
        let event = message("id-1", &own);
        let replays = Destination::Replay {
            group: "shop".into(),
            id: "42/7".into(),
        };
        let written = sent(&event, &replays);
        assert_eq!(
            written,
            pairs(&[
                ("bus-id", b"id-1"),
                ("bus-replay-topic", b"orders.placed"),
                ("a", b"1"),
                ("bus-replay-topic", b"its own")
            ])
        );
        let record = Message {
            topic: "shop..replay".into(),
            ..received(written)
        };
        let read = replay(record);
        assert_eq!((&*read.topic, read.id.as_str()), ("orders.placed", "id-1"));
        assert_eq!(read.headers, event.headers);
    }

    #[test]
    fn the_limit_is_the_event_with_key_and_headers() {
        let of = |bytes| Message {
            payload: Bytes::from(vec![0; bytes]),
            ..message("id-1", &[("a", b"1")])
        };
        let beside = of(0).size();
        headers(&of(MAX_EVENT - beside), &TOPIC).expect("exactly the limit");
        let error = headers(&of(MAX_EVENT - beside + 1), &TOPIC).expect_err("one more");
        assert!(
            matches!(error, TransportError::TooLarge { size, limit } if size == limit + 1),
            "{error}"
        );
        headers(&of(MAX_EVENT), &dead_letters()).expect("what a dead letter adds has room");
        headers(&of(MAX_RECORD), &dead_letters()).expect_err("but not any");
    }

    #[test]
    fn lengths_are_written_as_the_protocol_has_them() {
        for (length, bytes) in [
            (0, 1),
            (63, 1),
            (64, 2),
            (8191, 2),
            (8192, 3),
            (1_048_575, 3),
        ] {
            assert_eq!(number(length), bytes, "{length}");
        }
    }
}
