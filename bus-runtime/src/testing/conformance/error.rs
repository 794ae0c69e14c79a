//! What a transport did wrong.

use super::Part;
use crate::dead::DeadLetterError;
use crate::transport::TransportError;
use std::error::Error;
use std::fmt;

/// A promise that the transport breaks, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Broken {
    /// The part's name.
    pub part: &'static str,
    /// What the part shows of a transport that passes it.
    pub promise: &'static str,
    /// What the transport did instead.
    pub what: String,
}

impl Broken {
    pub(super) fn new(part: &Part, fault: Fault) -> Self {
        Broken {
            part: part.name,
            promise: part.shows,
            what: fault.0,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not kept ({}): {}",
            self.part, self.promise, self.what
        )
    }
}

impl Error for Broken {}

/// What went wrong within a part.
#[derive(Debug)]
pub(super) struct Fault(pub(super) String);

/// How a part ends.
pub(super) type Kept<T = ()> = Result<T, Fault>;

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        Fault(format!("the transport answered: {error}"))
    }
}

impl From<DeadLetterError> for Fault {
    fn from(error: DeadLetterError) -> Self {
        Fault(error.to_string())
    }
}

/// Ends the part with a fault unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::testing::conformance::error::Fault(format!($($text)+)));
        }
    };
}
pub(super) use ensure;
