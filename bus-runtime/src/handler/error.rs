//! A handler's error.

use std::error::Error;
use std::fmt;

/// The error of a handler: any error, and whether trying again is of no use.
///
/// Made by `?` from every [`Error`], from a string, and from `anyhow::Error`. Like `anyhow::Error`, it is
/// not itself an [`Error`]: that is what lets `?` take every other.
///
/// ```
/// use bus_runtime::prelude::*;
///
/// #[event_handler(topic = "numbers.told", key = Unordered)]
/// async fn add(Raw(bytes): Raw) -> Result {
///     let text = std::str::from_utf8(&bytes)?; // tried again, then a dead letter
///     let number: u64 = text.parse().map_err(HandlerError::permanent)?; // a dead letter at once
///     println!("{number}");
///     Ok(())
/// }
/// ```
pub struct HandlerError {
    error: Box<dyn Error + Send + Sync>,
    permanent: bool,
}

impl HandlerError {
    /// An error that trying again cannot mend: the event becomes a dead letter at once.
    pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        HandlerError {
            error: error.into(),
            permanent: true,
        }
    }

    /// Whether trying again is of no use.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// The error itself.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// The error itself.
    pub fn into_inner(self) -> Box<dyn Error + Send + Sync> {
        self.error
    }

    pub(super) fn permanent_if(self, permanent: bool) -> Self {
        HandlerError {
            permanent: self.permanent || permanent,
            ..self
        }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(error: E) -> Self {
        HandlerError {
            error: error.into(),
            permanent: false,
        }
    }
}

impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.error, f)
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.error, f)
    }
}

/// The `E` of a handler's `Result<_, E>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler's error: implement `std::error::Error + Send + Sync` for it, or \
               return `bus_runtime::Result`, whose `?` takes any such error",
    label = "not an error that the bus can log and store"
)]
pub trait Failure {
    /// The error as the bus takes it.
    fn into_error(self) -> HandlerError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn Error + Send + Sync>>> Failure for E {
    fn into_error(self) -> HandlerError {
        HandlerError::from(self)
    }
}

impl Failure for HandlerError {
    fn into_error(self) -> HandlerError {
        self
    }
}
