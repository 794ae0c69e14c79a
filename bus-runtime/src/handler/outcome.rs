//! What becomes of an event, and what a handler may return to say so.

use super::HandlerError;
use super::error::Failure;
use crate::codec::Rejection;
use std::error::Error;
use std::time::Duration;

/// What becomes of an event, for a handler that decides it.
///
/// ```
/// use bus_runtime::prelude::*;
/// use std::time::Duration;
///
/// #[event_handler(topic = "orders.placed", key = Record)]
/// async fn reserve(Raw(order): Raw, about: Metadata) -> Outcome {
///     match order.len() {
///         0 => Outcome::Dead { reason: "an order without content".into() },
///         1 if about.attempt < 3 => Outcome::Retry { after: Some(Duration::from_secs(1)) },
///         1 => Outcome::Skip,
///         _ => Outcome::Done,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Handled.
    Done,
    /// Failed: tried again, after this time or, for `None`, as the handler's [`Retry`](crate::Retry) says. The
    /// attempts are counted either way; after the last one the event becomes a dead letter.
    Retry {
        /// The time to wait; nothing is added to it or taken from it.
        after: Option<Duration>,
    },
    /// Given up: the event becomes a dead letter at once.
    Dead {
        /// Why, for whoever reads the dead letter.
        reason: String,
    },
    /// Not for this handler: settled like a handled one, and counted apart.
    Skip,
}

/// What most handlers return: nothing, or any error.
pub type Result<T = (), E = HandlerError> = std::result::Result<T, E>;

/// How an attempt ended, as the bus judges it.
#[derive(Debug)]
pub enum Ending {
    /// Handled.
    Done,
    /// Not for this handler.
    Skip,
    /// Failed.
    Failed {
        /// Why, and whether trying again is of no use.
        error: HandlerError,
        /// The time to wait where the handler says it.
        after: Option<Duration>,
    },
    /// Given up by the handler.
    Dead {
        /// Why.
        reason: String,
    },
    /// The event could not be taken as the handler asks for it.
    Undecodable(Rejection),
}

impl Ending {
    /// What layers see of it.
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Ending::Done => Outcome::Done,
            Ending::Skip => Outcome::Skip,
            Ending::Failed { error, after } if !error.is_permanent() => {
                Outcome::Retry { after: *after }
            }
            Ending::Failed { error, .. } => Outcome::Dead {
                reason: error.to_string(),
            },
            Ending::Dead { reason } => Outcome::Dead {
                reason: reason.clone(),
            },
            Ending::Undecodable(rejection) => Outcome::Dead {
                reason: rejection.to_string(),
            },
        }
    }

    /// What layers have made of an ending: itself where they returned its outcome.
    pub(super) fn of(outcome: Outcome, ended: Option<Ending>) -> Self {
        match (outcome, ended) {
            (outcome, Some(ended)) if ended.outcome() == outcome => ended,
            // Another wait, or another attempt all the same: for the same reason.
            (Outcome::Retry { after }, Some(ended)) if ended.error().is_some() => {
                let error = ended.error().map(ToString::to_string).unwrap_or_default();
                Ending::Failed {
                    error: error.into(),
                    after,
                }
            }
            (outcome, _) => outcome.into(),
        }
    }

    /// The error, where it is one.
    pub(super) fn error(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Ending::Failed { error, .. } => Some(error.get_ref()),
            Ending::Undecodable(rejection) => Some(rejection),
            Ending::Done | Ending::Skip | Ending::Dead { .. } => None,
        }
    }
}

impl From<Outcome> for Ending {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Ending::Done,
            Outcome::Skip => Ending::Skip,
            Outcome::Dead { reason } => Ending::Dead { reason },
            Outcome::Retry { after } => Ending::Failed {
                error: HandlerError::from("the handler asked for another attempt"),
                after,
            },
        }
    }
}

/// What a handler may return: nothing, an [`Outcome`], or a `Result` of one of these with any error.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return `{Self}`: return nothing, an `Outcome`, or a `Result` of one of \
               these",
    label = "not an outcome of handling an event"
)]
pub trait IntoOutcome {
    /// What the bus makes of it.
    #[doc(hidden)]
    fn into_ending(self) -> Ending;
}

impl IntoOutcome for () {
    fn into_ending(self) -> Ending {
        Ending::Done
    }
}

impl IntoOutcome for Outcome {
    fn into_ending(self) -> Ending {
        self.into()
    }
}

impl<T: Success, E: Failure> IntoOutcome for std::result::Result<T, E> {
    fn into_ending(self) -> Ending {
        self.into_ending_if(|_| false)
    }
}

/// The `T` of a handler's `Result<T, E>`.
#[diagnostic::on_unimplemented(
    message = "an event handler cannot return a `Result` of `{Self}`: return `Result<()>` or `Result<Outcome>`",
    label = "not an outcome of handling an event"
)]
pub trait Success: IntoOutcome {}

impl Success for () {}
impl Success for Outcome {}

/// What a handler with `permanent = …` returns: a `Result`, whose error is asked.
#[diagnostic::on_unimplemented(
    message = "`permanent` asks the handler's error, but the handler returns `{Self}`: return a `Result`",
    label = "has no error"
)]
pub trait FallibleOutput {
    /// What `permanent` is asked about.
    type Error;

    /// What the bus makes of it.
    fn into_ending_if(self, permanent: fn(&Self::Error) -> bool) -> Ending;
}

/// What the bus makes of what a handler with `permanent = …` returned.
pub fn ending<R: FallibleOutput>(output: R, permanent: fn(&R::Error) -> bool) -> Ending {
    output.into_ending_if(permanent)
}

impl<T: Success, E: Failure> FallibleOutput for std::result::Result<T, E> {
    type Error = E;

    fn into_ending_if(self, permanent: fn(&E) -> bool) -> Ending {
        match self {
            Ok(value) => value.into_ending(),
            Err(error) => {
                let permanent = permanent(&error);
                Ending::Failed {
                    error: error.into_error().permanent_if(permanent),
                    after: None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, ErrorKind};

    fn is_refused(error: &io::Error) -> bool {
        error.kind() == ErrorKind::ConnectionRefused
    }

    fn failed(kind: ErrorKind) -> io::Result<()> {
        Err(kind.into())
    }

    #[test]
    fn success_is_done_and_an_outcome_is_itself() {
        assert!(matches!(().into_ending(), Ending::Done));
        assert!(matches!(Outcome::Skip.into_ending(), Ending::Skip));
        assert!(matches!(
            Result::<Outcome>::Ok(Outcome::Skip).into_ending(),
            Ending::Skip
        ));
        let after = Some(Duration::from_secs(3));
        let ending = Outcome::Retry { after }.into_ending();
        assert!(
            matches!(ending, Ending::Failed { error, after: said } if said == after && !error.is_permanent())
        );
    }

    #[test]
    fn an_error_is_permanent_where_it_or_the_handler_says_so() {
        let is_permanent = |ending| match ending {
            Ending::Failed { error, after: None } => error.is_permanent(),
            other => panic!("{other:?}"),
        };
        assert!(!is_permanent(
            failed(ErrorKind::ConnectionRefused).into_ending()
        ));
        assert!(!is_permanent(ending(
            failed(ErrorKind::NotFound),
            is_refused
        )));
        assert!(is_permanent(ending(
            failed(ErrorKind::ConnectionRefused),
            is_refused
        )));
        let permanent = HandlerError::permanent("refused");
        assert!(is_permanent(Result::<()>::Err(permanent).into_ending()));
        let permanent = HandlerError::permanent("refused");
        assert!(is_permanent(ending(Result::<()>::Err(permanent), |_| {
            false
        })));
    }
}
