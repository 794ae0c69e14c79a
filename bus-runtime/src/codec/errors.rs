//! Why an event could not be written, or not be taken.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

/// An event cannot be taken as a handler's parameter asks for it.
///
/// Trying again would not help: the event becomes a dead letter, with the reason `undecodable`.
#[derive(Clone, Debug)]
pub struct Rejection {
    reason: String,
}

impl Rejection {
    /// A rejection for this reason, which is stored with the dead letter.
    ///
    /// ```
    /// use bus_runtime::Rejection;
    ///
    /// let rejection = Rejection::new("the header `tenant` is missing");
    /// assert_eq!(rejection.to_string(), "the header `tenant` is missing");
    /// ```
    pub fn new(reason: impl Into<String>) -> Self {
        Rejection {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl Error for Rejection {}

impl From<Infallible> for Rejection {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// An event cannot be written as bytes.
#[derive(Debug)]
pub struct EncodeError {
    source: Box<dyn Error + Send + Sync>,
}

impl EncodeError {
    /// An error with this cause, in an implementation of [`Codec::encode`](crate::Codec::encode).
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        EncodeError {
            source: source.into(),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the event cannot be written: {}", self.source)
    }
}

impl Error for EncodeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
