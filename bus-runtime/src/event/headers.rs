//! An event's headers.

use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// The headers of an event: an ordered list of names and values; a name may occur more than once.
///
/// Names are case-sensitive ASCII. Values are bytes; those that the bus writes are ASCII. Headers are
/// cheap to clone, and an event without headers allocates nothing for them.
///
/// As a handler's parameter, the headers of the event that is handled.
///
/// ```
/// use bus_runtime::Headers;
///
/// let headers = Headers::new().with("tenant", "blue").with("tenant", "green");
/// assert_eq!(headers.get("tenant"), Some("blue"));
/// assert_eq!(headers.iter().count(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Option<Arc<[Pair]>>);

type Pair = (Arc<str>, Bytes);

impl Headers {
    /// No headers.
    #[must_use]
    pub const fn new() -> Self {
        Headers(None)
    }

    /// These headers and one more, behind the others.
    #[must_use]
    pub fn with(self, name: impl Into<Arc<str>>, value: impl Into<Bytes>) -> Self {
        let one = (name.into(), value.into());
        self.pairs().iter().cloned().chain([one]).collect()
    }

    /// The first value of `name`, if there is one and it is UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_bytes(name)
            .and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The first value of `name`, as it came.
    pub fn get_bytes(&self, name: &str) -> Option<&Bytes> {
        self.iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// Every header, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Bytes)> + DoubleEndedIterator {
        self.pairs().iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The bytes of all names and values.
    pub(crate) fn size(&self) -> usize {
        self.pairs()
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    fn pairs(&self) -> &[Pair] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<N: Into<Arc<str>>, V: Into<Bytes>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs: Arc<[_]> = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Headers((!pairs.is_empty()).then_some(pairs))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
