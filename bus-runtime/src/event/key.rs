//! What orders events: keys, and the values they are made of.

use bytes::Bytes;
use std::fmt;
use std::io::Write;
use uuid::Uuid;

/// An event's key: events of one topic with equal keys are handled in order, one at a time.
///
/// The bytes are the same in every language: strings and byte strings as they are, integers in decimal,
/// `bool` as `true` or `false`, UUIDs hyphenated in lower case, a tuple as its parts joined by `/`, with
/// `\` and `/` in a part escaped by `\`. No key (`None`, [`Unordered`]) means no order; an empty key is a
/// key like any other.
///
/// As a handler's parameter, the key by which the event is ordered.
///
/// Logs and errors show it as text, escaped like a byte string; of a key longer than 128 bytes, the beginning and its
/// length. Compare [`as_bytes`](Key::as_bytes), not the text.
///
/// ```
/// use bus_runtime::Key;
///
/// assert_eq!(Key::of(&("eu/west", 7)).as_bytes(), Some(&b"eu\\/west/7"[..]));
/// assert_eq!(Key::of(&("eu/west",)).as_bytes(), Some(&b"eu\\/west"[..]));
/// assert_eq!(Key::of(&None::<u64>).as_bytes(), None);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Key(Option<Bytes>);

impl Key {
    /// The absent key, of events that need no order.
    pub const NONE: Key = Key(None);

    /// The key made of `value`.
    pub fn of<K: RoutingKey + ?Sized>(value: &K) -> Self {
        let mut writer = KeyWriter::default();
        value.write(&mut writer);
        writer.finish()
    }

    /// The key whose bytes are `bytes`, as a broker carries it.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Key(Some(bytes.into()))
    }

    /// The key's bytes, or `None` where there is no key.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.0.as_deref()
    }
}

/// How much of a key is shown, in bytes: a broker may carry keys of many kilobytes.
const SHOWN: usize = 128;

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(bytes) if bytes.len() > SHOWN => {
                let shown = bytes[..SHOWN].escape_ascii();
                write!(f, "{shown}… ({} bytes)", bytes.len())
            }
            Some(bytes) => write!(f, "{}", bytes.escape_ascii()),
            None => f.write_str("(none)"),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Takes the bytes of a key, in the implementation of [`RoutingKey`].
#[derive(Debug, Default)]
pub struct KeyWriter(Option<Vec<u8>>);

impl KeyWriter {
    /// Appends to the key. Even an empty slice makes the key present.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.get_or_insert_default().extend_from_slice(bytes);
    }

    /// The key that was written.
    pub(crate) fn finish(self) -> Key {
        Key(self.0.map(Bytes::from))
    }
}

/// A value that events can be ordered by.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a routing key",
    label = "events cannot be ordered by a `{Self}`",
    note = "use an integer, a string, `bool`, bytes, a `Uuid`, an `Option`, or a tuple of those; or implement \
            `RoutingKey` for your own type"
)]
pub trait RoutingKey {
    /// Writes the key's bytes; writing nothing means no key.
    fn write(&self, key: &mut KeyWriter);
}

macro_rules! displayed {
    ($($ty:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl RoutingKey for $ty {
            fn write(&self, key: &mut KeyWriter) {
                write!(key.0.get_or_insert_default(), "{self}").expect("a vector takes every byte");
            }
        }
    )*};
}
displayed!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize bool Uuid);

impl RoutingKey for str {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self.as_bytes());
    }
}

impl RoutingKey for String {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self.as_bytes());
    }
}

impl RoutingKey for [u8] {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self);
    }
}

#[diagnostic::do_not_recommend]
impl<const N: usize> RoutingKey for [u8; N] {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self);
    }
}

#[diagnostic::do_not_recommend]
impl RoutingKey for Vec<u8> {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self);
    }
}

#[diagnostic::do_not_recommend]
impl RoutingKey for Bytes {
    fn write(&self, key: &mut KeyWriter) {
        key.push(self);
    }
}

#[diagnostic::do_not_recommend]
impl RoutingKey for Key {
    fn write(&self, key: &mut KeyWriter) {
        if let Some(bytes) = &self.0 {
            key.push(bytes);
        }
    }
}

impl<T: RoutingKey + ?Sized> RoutingKey for &T {
    fn write(&self, key: &mut KeyWriter) {
        (**self).write(key);
    }
}

#[diagnostic::do_not_recommend]
impl<T: RoutingKey> RoutingKey for Option<T> {
    fn write(&self, key: &mut KeyWriter) {
        if let Some(value) = self {
            value.write(key);
        }
    }
}

macro_rules! tuples {
    ($($name:ident)*) => {
        impl<$($name: RoutingKey),*> RoutingKey for ($($name,)*) {
            #[expect(non_snake_case, reason = "the type's name is its value's name")]
            fn write(&self, key: &mut KeyWriter) {
                let ($($name,)*) = self;
                let mut parts = [$(Key::of($name)),*].into_iter();
                if let Some(first) = parts.next() {
                    push_escaped(key, &first);
                }
                for part in parts {
                    key.push(b"/");
                    push_escaped(key, &part);
                }
            }
        }
    };
}
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);

fn push_escaped(key: &mut KeyWriter, part: &Key) {
    key.push(b"");
    for byte in part.as_bytes().unwrap_or_default() {
        if matches!(byte, b'\\' | b'/') {
            key.push(b"\\");
        }
        key.push(&[*byte]);
    }
}

/// A key in place of one that is half typed, which has its error already and may be anything.
pub trait HalfTyped {
    /// Some key. Hidden from an editor, which is asked for what stands behind the `.`.
    #[doc(hidden)]
    fn half_typed(&self) -> &'static str {
        ""
    }
}

impl<T: ?Sized> HalfTyped for T {}

/// `key = Unordered`: events that need no order.
#[derive(Clone, Copy, Debug)]
pub struct Unordered;

/// `key = Record`: the key that the broker carries; nothing is decoded to route.
#[derive(Clone, Copy, Debug)]
pub struct Record;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_key_is_shown_by_its_beginning_and_its_length() {
        let shown = |length: usize| Key::from_bytes(vec![b'k'; length]).to_string();
        assert_eq!(shown(128), "k".repeat(128));
        assert_eq!(shown(129), format!("{}… (129 bytes)", "k".repeat(128)));
        assert_eq!(Key::from_bytes(vec![0xff]).to_string(), "\\xff");
        assert_eq!(Key::NONE.to_string(), "(none)");
    }
}
