//! Layers as constants, statics, expressions and paths; of a bus, of a handler, of one for a single state.

#![deny(warnings)]

use bus_runtime::prelude::*;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

pub mod watch {
    use super::*;

    pub struct Count(pub AtomicUsize);

    impl Layer for Count {
        async fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> Outcome {
            self.0.fetch_add(1, Ordering::Relaxed);
            next.await
        }
    }

    pub static CALLS: Count = Count(AtomicUsize::new(0));
}

/// A layer may be generic, and be made by a `const fn`.
struct Only<T> {
    tenant: &'static str,
    of: PhantomData<fn() -> T>,
}

impl<T> Only<T> {
    const fn tenant(tenant: &'static str) -> Self {
        Only {
            tenant,
            of: PhantomData,
        }
    }
}

impl<T: 'static> Layer for Only<T> {
    async fn handle(&self, attempt: &Attempt<'_>, next: Next<'_>) -> Outcome {
        if attempt.headers().get("tenant") == Some(self.tenant) {
            next.await
        } else {
            Outcome::Skip
        }
    }
}

/// A layer may return a future that it makes itself.
struct Through;

impl Layer for Through {
    fn handle(&self, _: &Attempt<'_>, next: Next<'_>) -> impl Future<Output = Outcome> + Send {
        next
    }
}

const BLUE: Only<u8> = Only::tenant("blue");

#[derive(Clone)]
struct AppState;

#[event_handler(topic = "a.a", key = Record, layers = [])]
async fn none(_: Raw) {}

#[event_handler(
    topic = "a.b",
    key = Record,
    layers = [BLUE, Only::<String>::tenant("green"), watch::CALLS, &watch::CALLS, Through],
)]
async fn many(_: Raw) {}

#[event_handler(topic = "a.c", key = Record, state = AppState, layers = [Through], timeout = std::time::Duration::MAX)]
async fn for_one_state(_: Raw, _: State<AppState>) -> Result {
    Ok(())
}

#[event_bus(group = "shop", state = AppState, layers = [watch::CALLS, Through], handlers = [none, many, for_one_state])]
struct Shop;

/// The same handlers, within no layers.
#[event_bus(group = "other", state = AppState, handlers = [none, many, for_one_state])]
struct Other;

fn main() {
    let _ = (Shop::new(Config::memory()), Other::new(Config::memory()));
}
