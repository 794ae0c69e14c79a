//! How a handler is called. What can be generic is here and not in the macro's output: it is checked once.

use super::{Decoded, Delivery, Ending};
use crate::codec::Rejection;
use crate::event::{Key, KeyWriter, Message};
use std::any::Any;
use std::future::{Future, ready};
use std::pin::Pin;

/// The future of one attempt.
pub type Call = Pin<Box<dyn Future<Output = Ending> + Send>>;

/// Decodes the event, lets `begin` take the other parameters and call the handler, and judges what it
/// returns.
///
/// Decoding and extracting happen here, in the runner, before the future is polled.
pub fn call<S, P: Any, F: Future + Send + 'static>(
    delivery: Delivery<S>,
    decode: fn(&Message) -> Result<P, Rejection>,
    begin: impl FnOnce(P, &super::Cx<S>) -> Result<F, Rejection>,
    into_ending: fn(F::Output) -> Ending,
) -> Call {
    let Delivery { cx, decoded } = delivery;
    let payload = match decoded.map(Box::<dyn Any + Send>::downcast::<P>) {
        Some(Ok(payload)) => Ok(*payload),
        // Decoded as another type, to find the event's own key; or not at all.
        Some(Err(_)) | None => decode(&cx.message),
    };
    match payload.and_then(|payload| begin(payload, &cx)) {
        Ok(future) => Box::pin(async move { into_ending(future.await) }),
        Err(rejection) => Box::pin(ready(Ending::Undecodable(rejection))),
    }
}

/// The handler's future. A function of its own, so that the error of one that is not `Send` points at the
/// handler and is the only one.
pub fn run<F: Future + Send + 'static>(
    future: F,
) -> impl Future<Output = F::Output> + Send + 'static {
    future
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
