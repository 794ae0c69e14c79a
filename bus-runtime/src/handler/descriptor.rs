//! What the macros write down: a handler, a module of handlers, and a bus as a list of both.

use super::{BusLayers, Call, Delivery, Limit, Retry, Timeout};
use crate::codec::Rejection;
use crate::event::{Key, Message};
use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

/// One handler, as `#[event_handler]` describes it. `S` is the bus's state.
pub struct Handler<S: 'static> {
    /// The function's path.
    pub name: &'static str,
    /// The topic, without namespace.
    pub topic: &'static str,
    /// The handler's own group, or `""` for the bus's.
    pub group: &'static str,
    /// Of topic and group, and of the topic alone; both take every `.` for `_`.
    pub hash: (u64, u64),
    /// How often a failed event is tried again, and when.
    pub retry: Retry,
    /// How long an attempt may take.
    pub timeout: Timeout,
    /// How many of its events may be in flight.
    pub at_most: Limit,
    /// Where an event's key comes from.
    pub route: Route,
    /// Begins an attempt.
    pub call: fn(Delivery<S>) -> Call,
}

impl<S> Handler<S> {
    /// A handler with the defaults of `retry`, `timeout` and `at_most`.
    pub const fn new(
        name: &'static str,
        topic: &'static str,
        group: &'static str,
        route: Route,
        call: fn(Delivery<S>) -> Call,
    ) -> Self {
        Handler {
            name,
            topic,
            group,
            hash: hashes(topic, group),
            retry: Retry::DEFAULT,
            timeout: Timeout::DEFAULT,
            at_most: Limit::DEFAULT,
            route,
            call,
        }
    }

    /// With this `retry`.
    #[must_use]
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// With this `timeout`.
    #[must_use]
    pub const fn timeout(mut self, timeout: Timeout) -> Self {
        self.timeout = timeout;
        self
    }

    /// With this share of the events in flight.
    #[must_use]
    pub const fn at_most(mut self, at_most: Limit) -> Self {
        self.at_most = at_most;
        self
    }
}

impl<S> fmt::Debug for Handler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("name", &self.name)
            .field("topic", &self.topic)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Where an event's key comes from; `C` computes it.
#[derive(Clone, Copy, Debug)]
pub enum Route<C = &'static dyn Compute> {
    /// There is none.
    Unordered,
    /// The key that the record carries.
    Record,
    /// The key that the record carries, or the computed one where it carries none.
    RecordOr(fn(&Message) -> Computed),
    /// Computed from the decoded event.
    Computed(C),
}

/// Decodes an event and computes its key.
pub trait Compute: fmt::Debug + Sync {
    /// Does so.
    ///
    /// # Errors
    ///
    /// Where the event cannot be decoded.
    fn compute(&self, message: &Message) -> Computed;
}

/// An event's key, and the decoded event, which serves the first attempt.
pub type Computed = Result<(Key, Decoded), Rejection>;

/// A decoded event.
pub type Decoded = Box<dyn Any + Send>;

/// What every handler of a bus may share.
pub trait AppState: Send + Sync + 'static {}

impl<S: Send + Sync + 'static> AppState for S {}

/// A handler, or a module of them, that can run on a bus whose state is `S`, within the bus's layers `L`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a handler of this bus: its attribute says another `state` than the bus's, `{S}`",
    label = "made for another state than `{S}`"
)]
pub trait Handles<S: 'static, L: BusLayers> {
    /// The handlers.
    const HANDLERS: Handlers<S>;
}

/// What one path in a bus's list stands for.
#[derive(Debug)]
pub enum Handlers<S: 'static> {
    /// Nothing: the definition is in error, or `#[cfg]` left it out.
    None,
    /// A handler.
    One(Handler<S>),
    /// A module of handlers, as `#[event_handlers]` describes it.
    Module {
        /// The module's path.
        name: &'static str,
        /// What is in it.
        handlers: &'static [Handlers<S>],
    },
}

impl<S> Handlers<S> {
    const fn count(&self) -> usize {
        match self {
            Handlers::None => 0,
            Handlers::One(_) => 1,
            Handlers::Module { handlers, .. } => {
                let (mut sum, mut i) = (0, 0);
                while i < handlers.len() {
                    sum += handlers[i].count();
                    i += 1;
                }
                sum
            }
        }
    }

    fn collect(&'static self, found: &mut Vec<&'static Handler<S>>) {
        match self {
            Handlers::None => {}
            Handlers::One(handler) => found.push(handler),
            Handlers::Module { handlers, .. } => {
                for inner in *handlers {
                    inner.collect(found);
                }
            }
        }
    }
}

/// What a path of a bus's list names: `H` is the handler or the module.
#[derive(Debug)]
pub struct Named<H>(PhantomData<fn() -> H>);

impl<H> Named<H> {
    /// The one value.
    pub const NEW: Self = Named(PhantomData);

    /// What it holds for a bus whose state is `S`, within the bus's layers `L`.
    pub const fn handlers<S: 'static, L: BusLayers>(self) -> Handlers<S>
    where
        H: Handles<S, L>,
    {
        H::HANDLERS
    }
}

/// Stands, in a module of handlers, for one that `#[cfg]` left out.
#[derive(Debug)]
pub enum LeftOut {}

impl<S: 'static, L: BusLayers> Handles<S, L> for LeftOut {
    const HANDLERS: Handlers<S> = Handlers::None;
}

/// An entry of a bus's list.
#[derive(Debug)]
pub struct Listed<S: 'static> {
    /// Its place in the list as written, entries that `#[cfg]` left out included.
    pub at: usize,
    /// What it stands for.
    pub handlers: Handlers<S>,
}

/// How many handlers a list holds, those in modules included.
pub const fn count<S>(list: &[Listed<S>]) -> usize {
    let (mut sum, mut i) = (0, 0);
    while i < list.len() {
        sum += list[i].handlers.count();
        i += 1;
    }
    sum
}

/// A struct with [`#[event_bus]`](macro@crate::event_bus), which implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a bus: add `#[event_bus(group = \"…\", handlers = […])]` to the struct",
    label = "not a bus"
)]
pub trait Bus: Sized + 'static {
    /// What its handlers share.
    type State: AppState;
    /// The struct's path.
    const NAME: &'static str;
    /// The group under which the broker keeps the bus's progress.
    const GROUP: &'static str;
    /// The handlers, as they are listed.
    #[doc(hidden)]
    const HANDLERS: &'static [Listed<Self::State>];
}

/// Every handler of a bus, in the order in which they are listed.
pub(crate) fn handlers<B: Bus>() -> Vec<&'static Handler<B::State>> {
    let mut found = Vec::new();
    for listed in B::HANDLERS {
        listed.handlers.collect(&mut found);
    }
    found
}

/// The hashes of a topic and group, and of the topic alone.
///
/// Computed where the handler is defined, so that checking a bus's list does not hash.
const fn hashes(topic: &str, group: &str) -> (u64, u64) {
    let topic = hash(OFFSET, topic.as_bytes());
    (hash(hash(topic, &[0xff]), group.as_bytes()), topic)
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a, for its shortness.
const fn hash(mut hash: u64, bytes: &[u8]) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        let byte = if bytes[i] == b'.' { b'_' } else { bytes[i] };
        hash = (hash ^ byte as u64).wrapping_mul(PRIME);
        i += 1;
    }
    hash
}
