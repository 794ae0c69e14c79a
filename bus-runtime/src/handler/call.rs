//! How a handler is called. What can be generic is here and not in the macro's output: it is checked once.

use super::layers::{BusLayers, Layers};
use super::{AppState, Attempt, Cx, Decoded, Delivery, Ending, Next, Parameters};
use crate::codec::Rejection;
use crate::event::Message;
use futures_util::FutureExt;
use futures_util::future::{Map, OptionFuture};
use std::any::Any;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::OnceLock;

/// The future of one attempt.
pub type Call = Pin<Box<dyn Future<Output = Ending> + Send>>;

/// Decodes the event, takes the other parameters `A` and calls the handler, within its layers and the bus's.
///
/// Decoding and extracting happen here, in the runner. The box is the one allocation of an attempt.
pub fn call<B, S, P, A, F>(
    delivery: Delivery<S>,
    decode: fn(&Message) -> Result<P, Rejection>,
    layers: impl Layers,
    handler: impl FnOnce(P, A) -> F + Send + 'static,
    into_ending: fn(F::Output) -> Ending,
) -> Call
where
    B: BusLayers,
    S: AppState,
    P: Any,
    A: Parameters<S>,
    F: Future + Send + 'static,
{
    let Delivery { cx, decoded } = delivery;
    let begin = move |payload, cx: &Cx<S>| {
        let parameters = A::take(cx)?;
        Ok(run(handler(payload, parameters), into_ending))
    };
    if is_none::<B>(layers) {
        // Nothing stands around it: what the parameters were taken from need not live as long as the handler.
        return match payload(decoded, &cx.message, decode).and_then(|payload| begin(payload, &cx)) {
            Ok(future) => Box::pin(future),
            Err(rejection) => Box::pin(ready(Ending::Undecodable(rejection))),
        };
    }
    // Everything that is large is made within the block or borrowed from what it captures: what is moved from the one
    // into the other takes its room twice.
    Box::pin(async move {
        let ended = OnceLock::new();
        let outcome = {
            let payload = payload(decoded, &cx.message, decode);
            let future = match payload.and_then(|payload| begin(payload, &cx)) {
                Ok(future) => Some(future),
                Err(rejection) => {
                    ended.get_or_init(|| Ending::Undecodable(rejection));
                    None
                }
            };
            let handler = pin!(OptionFuture::from(future).map(|returned| {
                let undecodable = || unreachable!("without a future it has ended already");
                ended
                    .get_or_init(|| returned.unwrap_or_else(undecodable))
                    .outcome()
            }));
            let attempt = Attempt::new(&cx, &ended);
            let handler = pin!(layers.around(&attempt, Next::new(handler)));
            B::layers().around(&attempt, Next::new(handler)).await
        };
        Ending::of(outcome, ended.into_inner())
    })
}

fn is_none<B: BusLayers>(layers: impl Layers) -> bool {
    fn none<L: Layers>(_: L) -> bool {
        L::NONE
    }
    B::NONE && none(layers)
}

/// The payload, decoded already to find the event's key, or now.
fn payload<P: Any>(
    decoded: Result<Option<Decoded>, Rejection>,
    message: &Message,
    decode: fn(&Message) -> Result<P, Rejection>,
) -> Result<P, Rejection> {
    match decoded?.map(Box::<dyn Any + Send>::downcast::<P>) {
        Some(Ok(payload)) => Ok(*payload),
        // Decoded as another type, to find the event's own key; or not at all.
        Some(Err(_)) | None => decode(message),
    }
}

/// The handler's future, and what becomes of what it returns.
fn run<F: Future>(
    future: F,
    into_ending: fn(F::Output) -> Ending,
) -> Map<F, fn(F::Output) -> Ending> {
    future.map(into_ending)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handler::IntoOutcome;

    #[test]
    fn a_handlers_future_takes_its_room_once() {
        async fn handler() {
            let held = std::hint::black_box([0_u8; 512]);
            tokio::task::yield_now().await;
            assert_eq!(held, [0; 512]);
        }
        let future = handler();
        let bare = size_of_val(&future);
        let size = size_of_val(&run(future, IntoOutcome::into_ending));
        assert!(size <= bare + 2 * size_of::<usize>(), "{size}, from {bare}");
    }
}
