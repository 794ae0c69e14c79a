//! Whether an event is the one that was published.

use crate::event::{Headers, Key, Message};
use crate::testing::conformance::error::{Kept, ensure};
use bytes::Bytes;

/// Keys of every kind.
pub(super) fn keys() -> Vec<Key> {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    vec![
        Key::NONE,
        Key::from_bytes(""),
        Key::from_bytes("c-7"),
        Key::from_bytes(" spaces at the ends "),
        Key::from_bytes(" "),
        Key::from_bytes("\t\r\n"),
        Key::from_bytes("eu\\/west/7:=,;\"'"),
        Key::from_bytes("Grüße"),
        Key::from_bytes(&b"\xff\x00\xfe"[..]),
        Key::from_bytes(all_bytes),
        Key::from_bytes(vec![b'k'; 32 * 1024]),
    ]
}

/// A key that not every broker can carry.
pub(super) fn largest_key() -> Key {
    Key::from_bytes(vec![b'k'; 64 * 1024])
}

/// Payloads of every kind.
pub(super) fn payloads() -> Vec<Bytes> {
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    vec![
        Bytes::new(),
        Bytes::from_static(b"{\"order\":1}"),
        Bytes::from_static(b"\r\n\r\n"),
        Bytes::from(all_bytes),
        Bytes::from(vec![0; 100 * 1024]),
    ]
}

/// Headers of every kind.
pub(super) fn headers() -> Vec<Headers> {
    let long = "v".repeat(4096);
    vec![
        Headers::new(),
        Headers::new().with("content-type", "application/json"),
        Headers::new()
            .with("tenant", "blue")
            .with("Tenant", "red")
            .with("attempt", "1")
            .with("tenant", "green")
            .with("tenant", "blue"),
        Headers::new()
            .with(
                "traceparent",
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            )
            .with("inner", "a: b, c; \"d\" = e")
            .with("long", long),
    ]
}

/// Payload, key, id and topic are the same to the byte, and of each header name the values in their order;
/// headers that `beside` names may be there too.
pub(super) fn same(found: &Message, published: &Message, beside: &[&str]) -> Kept {
    let id = &published.id;
    ensure!(
        found.topic == published.topic,
        "the event {id} of topic `{}` arrived as one of `{}`",
        published.topic,
        found.topic
    );
    ensure!(
        found.key == published.key,
        "the event {id} with the key `{:.80}` arrived with `{:.80}`",
        published.key.to_string(),
        found.key.to_string()
    );
    ensure!(
        found.id == published.id,
        "the event {id} arrived with the id {}",
        found.id
    );
    ensure!(
        found.payload == published.payload,
        "the event {id} arrived with another payload: {} bytes instead of {}",
        found.payload.len(),
        published.payload.len()
    );
    let (found, published) = (
        by_name(&found.headers, beside),
        by_name(&published.headers, &[]),
    );
    ensure!(
        found == published,
        "the event {id} with the headers {published:.200?} arrived with {found:.200?}"
    );
    Ok(())
}

/// Order between names is not promised.
fn by_name(headers: &Headers, but: &[&str]) -> Vec<(String, Bytes)> {
    let headers = headers.iter().filter(|(name, _)| !but.contains(name));
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers
}
