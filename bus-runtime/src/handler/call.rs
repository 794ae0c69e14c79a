//! How a handler is called. What can be generic is here and not in the macro's output: it is checked once.

use super::{Cx, Decoded, Delivery, Ending};
use crate::codec::Rejection;
use crate::event::{Key, KeyWriter, Message};
use std::any::Any;
use std::future::{Future, ready};
use std::pin::Pin;

/// The future of one attempt.
pub type Call = Pin<Box<dyn Future<Output = Ending> + Send>>;

/// Decodes the event and lets `begin` take the other parameters and call the handler.
///
/// Decoding and extracting happen here, in the runner, before the future is polled.
pub fn call<S, P: Any>(
    delivery: Delivery<S>,
    decode: fn(&Message) -> Result<P, Rejection>,
    begin: impl FnOnce(P, &Cx<S>) -> Result<Call, Rejection>,
) -> Call {
    let Delivery { cx, decoded } = delivery;
    let payload = match decoded.map(Box::<dyn Any + Send>::downcast::<P>) {
        Some(Ok(payload)) => Ok(*payload),
        // Decoded as another type, to find the event's own key; or not at all.
        Some(Err(_)) | None => decode(&cx.message),
    };
    match payload.and_then(|payload| begin(payload, &cx)) {
        Ok(call) => call,
        Err(rejection) => Box::pin(ready(Ending::Undecodable(rejection))),
    }
}

/// The one allocation of an attempt: the handler's future, and what becomes of what it returns.
///
/// A function of its own, so that the error of a future that is not `Send` points at the handler.
pub fn run<F: Future + Send + 'static>(future: F, into_ending: fn(F::Output) -> Ending) -> Call {
    Box::pin(async move { into_ending(future.await) })
}

/// Decodes an event and computes its key.
///
/// # Errors
///
/// Where the event cannot be decoded.
pub fn compute<P: Any + Send>(
    message: &Message,
    decode: fn(&Message) -> Result<P, Rejection>,
    write: impl FnOnce(&P, &mut KeyWriter),
) -> Result<(Key, Decoded), Rejection> {
    let payload = decode(message)?;
    let mut key = KeyWriter::default();
    write(&payload, &mut key);
    Ok((key.finish(), Box::new(payload)))
}
