//! An event as a NATS message, and back.

use super::acks::Delivered;
use crate::event::{EventId, Headers, Key, Message};
use crate::transport::{DEAD_LETTER_ROOM, TransportError};
use async_nats::HeaderMap;
use async_nats::header::{HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

const KEY: &str = "bus-key";
const KEY_BASE64: &str = "bus-key-base64";
const MESSAGE_ID: &str = "Nats-Msg-Id";
const DEAD_ID: &str = "bus-dead-id";
/// The most bytes of headers that JetStream stores (its error 10097).
const HEADERS: usize = 65_535;
/// How headers begin that the server acts upon.
const CONTROL: &str = "Nats-";

/// What to do with a header that the server would act upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Of an event: an error, since the publisher would not notice what it does.
    Refuse,
    /// Of a dead letter: it belonged to the original, and would act on the wrong stream.
    LeaveOut,
}

/// The headers of a message: the event's own, its key, and the id by which the server deduplicates.
pub(super) fn headers(
    message: &Message,
    message_id: &str,
    control: Control,
) -> Result<HeaderMap, TransportError> {
    let mut headers = HeaderMap::new();
    for (name, value) in message.headers.iter() {
        if is_control(name) {
            if control == Control::LeaveOut {
                continue;
            }
            return Err(refused(
                message,
                &format!("the server would act upon the header `{name}`; leave it out"),
            ));
        }
        if name == KEY || name == KEY_BASE64 {
            return Err(refused(
                message,
                &format!("the bus itself writes the header `{name}`; leave it out"),
            ));
        }
        let (name, value) = match header(name, value) {
            Ok(header) => header,
            // A dead letter has to be stored: what cannot be carried is kept as Rust escapes it.
            Err(_) if control == Control::LeaveOut => escaped(name, value),
            Err(fault) => return Err(refused(message, &fault)),
        };
        headers.append(name, value);
    }
    if let Some(key) = message.key.as_bytes() {
        if key.iter().all(u8::is_ascii_graphic) {
            let key = std::str::from_utf8(key).expect("graphic ASCII is UTF-8");
            headers.insert(KEY, key);
        } else {
            headers.insert(KEY_BASE64, STANDARD.encode(key));
        }
    }
    let id = HeaderValue::from_str(message_id)
        .map_err(|_| refused(message, "its id has a line break; give it another one"))?;
    headers.insert(MESSAGE_ID, id);
    let (taken, limit) = (size(&headers, &Bytes::new()), HEADERS - DEAD_LETTER_ROOM);
    if control == Control::Refuse && taken > limit {
        let fault = format!(
            "its key and headers take {taken} bytes; NATS carries both as headers, for which it has {limit}: move \
             what is long into the payload"
        );
        return Err(refused(message, &fault));
    }
    Ok(headers)
}

fn header(name: &str, value: &Bytes) -> Result<(HeaderName, HeaderValue), String> {
    let fault = |what: &str| format!("the header `{name}` {what}");
    let parsed = HeaderName::from_str(name).ok().filter(|_| !name.is_empty());
    let parsed = parsed.ok_or_else(|| fault("has a name that is not visible ASCII without `:`"))?;
    let value = std::str::from_utf8(value).map_err(|_| fault("has a value that is not UTF-8"))?;
    if value.trim() != value {
        return Err(fault(
            "has a value with spaces around it, which NATS does not keep",
        ));
    }
    let value = HeaderValue::from_str(value).map_err(|_| fault("has a value with a line break"))?;
    Ok((parsed, value))
}

fn escaped(name: &str, value: &[u8]) -> (HeaderName, HeaderValue) {
    let visible = |byte: char| {
        if byte.is_ascii_graphic() && byte != ':' {
            byte
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(visible).collect();
    let value = value.trim_ascii().escape_ascii().to_string();
    (
        HeaderName::from_str(&name).expect("visible ASCII without a colon"),
        HeaderValue::from_str(&value).expect("escaped, so without line breaks"),
    )
}

fn refused(message: &Message, fault: &str) -> TransportError {
    TransportError::Refused(format!("an event of topic `{}`: {fault}", message.topic))
}

/// The bytes of a message as the server counts them against its limit.
pub(super) fn size(headers: &HeaderMap, payload: &Bytes) -> usize {
    let line = |name: &HeaderName, value: &HeaderValue| {
        AsRef::<[u8]>::as_ref(name).len() + value.as_str().len() + 4
    };
    let lines: usize = headers
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| line(name, value)))
        .sum();
    "NATS/1.0\r\n\r\n".len() + lines + payload.len()
}

/// The event in a message.
///
/// A foreign id without our `<topic>/` prefix is taken whole; without an id, an event has its position.
/// A key that is no base64 is taken as the header has it, so that its events keep their order.
pub(super) fn event(
    message: async_nats::Message,
    topic: Arc<str>,
    stream: &str,
    delivered: &Delivered,
) -> Message {
    let mut key = Key::NONE;
    let mut id = None;
    let headers = own_headers(message.headers.as_ref(), |name, value| match name {
        KEY => key = Key::from_bytes(value.to_owned()),
        KEY_BASE64 => key = decoded(value, stream, delivered.position),
        MESSAGE_ID => id = Some(value.to_owned()),
        _ => {}
    });
    let id = match id {
        Some(id) => match id
            .strip_prefix(&*topic)
            .and_then(|rest| rest.strip_prefix('/'))
        {
            Some(id) => EventId::from(id),
            None => EventId::from(id),
        },
        None => EventId::from(format!("{stream}/{}", delivered.position)),
    };
    Message {
        topic,
        key,
        id,
        headers,
        payload: message.payload,
        time: delivered.time(),
    }
}

/// An event whose headers the client cannot read, without payload and time.
pub(super) fn raw_event<'a>(
    lines: impl Iterator<Item = (String, &'a [u8])>,
    topic: &str,
    stream: &str,
    position: u64,
) -> Message {
    let mut event = Message::new(topic, Key::NONE, Bytes::new());
    event.id = EventId::from(format!("{stream}/{position}"));
    let mut own = Vec::new();
    for (name, value) in lines {
        match (&*name, std::str::from_utf8(value)) {
            (KEY, _) => event.key = Key::from_bytes(value.to_owned()),
            (KEY_BASE64, Ok(value)) => event.key = decoded(value, stream, position),
            (MESSAGE_ID, Ok(value)) => {
                let ours = value
                    .strip_prefix(topic)
                    .and_then(|rest| rest.strip_prefix('/'));
                event.id = EventId::from(ours.unwrap_or(value));
            }
            _ => own.push((name, Bytes::copy_from_slice(value))),
        }
    }
    event.headers = own.into_iter().collect();
    event
}

/// The dead letter in a message: its id is the original event's.
pub(super) fn dead_letter(
    message: async_nats::Message,
    topic: &str,
    stream: &str,
    delivered: &Delivered,
) -> Message {
    let letter = event(message, topic.into(), stream, delivered);
    let original = letter.headers.get(DEAD_ID).map(EventId::from);
    Message {
        id: original.unwrap_or_else(|| letter.id.clone()),
        ..letter
    }
}

/// All headers but those that carry key and id, which `carrier` gets. Sorted by name: the client keeps
/// no order between names.
fn own_headers(map: Option<&HeaderMap>, mut carrier: impl FnMut(&str, &str)) -> Headers {
    let Some(map) = map else {
        return Headers::new();
    };
    let mut own: Vec<(&str, &HeaderValue)> = Vec::new();
    for (name, values) in map.iter() {
        let name: &str = name.as_ref();
        if matches!(name, KEY | KEY_BASE64 | MESSAGE_ID) {
            if let Some(value) = values.first() {
                carrier(name, value.as_str());
            }
        } else {
            own.extend(values.iter().map(|value| (name, value)));
        }
    }
    own.sort_by_key(|(name, _)| *name);
    own.into_iter()
        .map(|(name, value)| (name, Bytes::copy_from_slice(value.as_str().as_bytes())))
        .collect()
}

fn decoded(value: &str, stream: &str, position: u64) -> Key {
    match STANDARD.decode(value) {
        Ok(key) => Key::from_bytes(key),
        Err(error) => {
            crate::observe::warning!(
                stream,
                position,
                "the header `{KEY_BASE64}` is not base64 ({error}): the key is taken as the header has it"
            );
            Key::from_bytes(value.to_owned())
        }
    }
}

fn is_control(name: &str) -> bool {
    name.get(..CONTROL.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(CONTROL))
}

/// Nanoseconds since 1970, as the server counts time.
pub(super) fn time(nanoseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELIVERED: Delivered = Delivered {
        position: 42,
        number: 7,
        nanoseconds: 1_700_000_000_000_000_000,
    };

    fn message(key: Key) -> Message {
        Message {
            id: EventId::from("id-1"),
            ..Message::new("orders.placed", key, "{}")
        }
    }

    fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(HeaderValue::as_str)
    }

    fn received(headers: HeaderMap) -> Message {
        let message = async_nats::Message {
            subject: "events.3.orders.placed".into(),
            reply: None,
            payload: Bytes::from_static(b"{}"),
            headers: Some(headers),
            status: None,
            description: None,
            length: 0,
        };
        event(message, "orders.placed".into(), "events", &DELIVERED)
    }

    #[test]
    fn a_key_travels_as_it_is_or_as_base64() {
        let vectors: [(&[u8], &str, &str); 5] = [
            (b"c-7", "bus-key", "c-7"),
            (b"eu\\/west/7", "bus-key", "eu\\/west/7"),
            (b"", "bus-key", ""),
            (b" c", "bus-key-base64", "IGM="),
            (b"\xff\x00", "bus-key-base64", "/wA="),
        ];
        for (key, name, value) in vectors {
            let key = Key::from_bytes(key);
            let sent = headers(&message(key.clone()), "orders.placed/id-1", Control::Refuse)
                .expect("a valid event");
            assert_eq!(get(&sent, name), Some(value));
            assert_eq!(sent.len(), 2, "key and id, nothing else");
            assert_eq!(received(sent).key, key);
        }
        let sent = headers(&message(Key::NONE), "orders.placed/id-1", Control::Refuse)
            .expect("a valid event");
        assert_eq!((sent.len(), received(sent).key), (1, Key::NONE));
    }

    #[test]
    fn the_id_is_behind_the_topic() {
        let sent = headers(&message(Key::NONE), "orders.placed/id-1", Control::Refuse)
            .expect("a valid event");
        assert_eq!(get(&sent, "Nats-Msg-Id"), Some("orders.placed/id-1"));
        assert_eq!(received(sent).id.as_str(), "id-1");
        let mut foreign = HeaderMap::new();
        assert_eq!(received(foreign.clone()).id.as_str(), "events/42");
        foreign.insert("Nats-Msg-Id", "orders.placed/a/b");
        assert_eq!(received(foreign.clone()).id.as_str(), "a/b");
        foreign.insert("Nats-Msg-Id", "other");
        assert_eq!(received(foreign).id.as_str(), "other");
    }

    #[test]
    fn headers_keep_their_values_in_order() {
        let own = Headers::new()
            .with("tenant", "blue")
            .with("a", "1")
            .with("tenant", "green");
        let sent = headers(
            &Message {
                headers: own,
                ..message(Key::NONE)
            },
            "x",
            Control::Refuse,
        )
        .expect("valid");
        let back = received(sent).headers;
        let pairs: Vec<_> = back
            .iter()
            .map(|(name, value)| (name, &value[..]))
            .collect();
        assert_eq!(
            pairs,
            [("a", &b"1"[..]), ("tenant", b"blue"), ("tenant", b"green")]
        );
        assert_eq!(
            received(HeaderMap::new()).time,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
        );
    }

    #[test]
    fn what_nats_cannot_carry_is_named() {
        let own: [(&str, &[u8], &str); 6] = [
            (
                "Nats-Rollup",
                b"all",
                "would act upon the header `Nats-Rollup`",
            ),
            ("nats-ttl", b"1s", "`nats-ttl`"),
            (
                "bus-key",
                b"x",
                "the bus itself writes the header `bus-key`",
            ),
            ("a:b", b"x", "`a:b` has a name"),
            ("a", b"\xff", "`a` has a value that is not UTF-8"),
            ("a", b" x", "spaces around"),
        ];
        for (name, value, fault) in own {
            let bad = Message {
                headers: Headers::new().with(name, value),
                ..message(Key::NONE)
            };
            let error = headers(&bad, "x", Control::Refuse)
                .expect_err(name)
                .to_string();
            assert!(
                error.contains(fault) && error.contains("orders.placed"),
                "{error}"
            );
        }
    }

    #[test]
    fn headers_have_room_for_what_a_dead_letter_adds() {
        let with_key = |bytes| message(Key::from_bytes(vec![b'k'; bytes]));
        let limit = HEADERS - DEAD_LETTER_ROOM;
        let beside = size(
            &headers(&with_key(1), "x", Control::Refuse).expect("valid"),
            &Bytes::new(),
        ) - 1;
        let largest = with_key(limit - beside);
        headers(&largest, "x", Control::Refuse).expect("exactly the limit");
        let error = headers(&with_key(limit - beside + 1), "x", Control::Refuse)
            .expect_err("one more")
            .to_string();
        assert!(
            error.contains("orders.placed") && error.contains("61439"),
            "{error}"
        );
        headers(&with_key(limit), "x", Control::LeaveOut).expect("a dead letter");
    }

    #[test]
    fn a_dead_letter_leaves_control_headers_out_and_has_the_original_id() {
        let own = Headers::new()
            .with("Nats-Rollup", "all")
            .with("bus-dead-id", "id-1");
        let sent = headers(
            &Message {
                headers: own,
                ..message(Key::NONE)
            },
            "shop/t/events/42",
            Control::LeaveOut,
        )
        .expect("valid");
        assert_eq!((sent.len(), get(&sent, "Nats-Rollup")), (2, None));
        assert_eq!(get(&sent, "Nats-Msg-Id"), Some("shop/t/events/42"));
    }

    #[test]
    fn a_bad_base64_key_is_taken_as_it_is() {
        let mut foreign = HeaderMap::new();
        foreign.insert("bus-key-base64", "%%%");
        assert_eq!(received(foreign).key, Key::from_bytes("%%%"));
    }

    #[test]
    fn the_size_is_what_the_server_counts() {
        let mut headers = HeaderMap::new();
        headers.insert("a", "bc");
        assert_eq!(
            size(&headers, &Bytes::from_static(b"12345")),
            "NATS/1.0\r\na: bc\r\n\r\n12345".len()
        );
    }
}
