//! What the macros write down: a handler, a module of handlers, and a bus as a list of both.

use super::{BusLayers, Call, Delivery, Limit, Retry, Timeout};
use crate::codec::Rejection;
use crate::event::{Key, Message};
use std::any::Any;
use std::fmt;

/// One handler, as `#[event_handler]` describes it. `S` is the bus's state.
pub struct Handler<S: 'static> {
    /// The function's path.
    pub name: &'static str,
    /// The topic, without namespace.
    pub topic: &'static str,
    /// The handler's own group, or `""` for the bus's.
    pub group: &'static str,
    /// Of topic and group, and of the topic alone with every `.` as `_`: see [`hashes`].
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

impl<S> fmt::Debug for Handler<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("name", &self.name)
            .field("topic", &self.topic)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

/// Where an event's key comes from.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    /// There is none.
    Unordered,
    /// The key that the record carries.
    Record,
    /// The key that the record carries, or the computed one where it carries none.
    RecordOr(Compute),
    /// Computed from the decoded event.
    Computed(Compute),
}

/// Decodes an event and computes its key; the decoded event serves the first attempt.
pub type Compute = fn(&Message) -> Result<(Key, Decoded), Rejection>;

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

/// The hashes of a topic and group, and of the topic with every `.` as `_`.
///
/// Computed where the handler is defined, so that checking a bus's list does not hash.
pub const fn hashes(topic: &str, group: &str) -> (u64, u64) {
    let exact = hash(
        hash(hash(OFFSET, topic.as_bytes(), false), &[0xff], false),
        group.as_bytes(),
        false,
    );
    (exact, hash(OFFSET, topic.as_bytes(), true))
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a, for its shortness; `loose` takes `.` for `_`.
const fn hash(mut hash: u64, bytes: &[u8], loose: bool) -> u64 {
    let mut i = 0;
    while i < bytes.len() {
        let byte = if loose && bytes[i] == b'.' {
            b'_'
        } else {
            bytes[i]
        };
        hash = (hash ^ byte as u64).wrapping_mul(PRIME);
        i += 1;
    }
    hash
}
