//! Options with few values.

/// What the bus does about a handler that does nothing but fail: a database that is away is no reason to empty a topic
/// into the dead letters.
///
/// After 20 failed attempts of a handler in a row, no success between, its events wait: the handler is *braked*. It
/// takes a second at least, in which fewer than one attempt in ten succeeds, so that a burst of bad events is not
/// taken for an outage; 20 events in a row that no attempt can mend, permanent and undecodable ones, brake it at once.
/// While it is braked, one of the waiting events is tried after 1 s, another after 2 s more, and so on up to every
/// 30 s; by turns one that has not failed yet and one that has. The first success releases the brake. Attempts that
/// fail meanwhile do not count, and an event that no attempt can mend becomes a dead letter when its turn to be tried
/// comes.
///
/// An event whose last attempt fails becomes a dead letter only where the event is to blame: where another event of the
/// handler has succeeded since its own first failure, and the handler does not fail on the whole. Else it is *held*:
/// tried again after 1 s, 2 s … 30 s, for an hour at most. So one event that comes during an outage waits for its end,
/// and one that is bad becomes a dead letter as soon as another succeeds. A handler with
/// [`Retry::attempts(1)`](crate::Retry::attempts) wants no other attempt: its events are held only while it is braked.
///
/// Order per key holds throughout, other handlers are not touched, and what waits fills the room `delayed`: when it is
/// full, the handler's sources stop. The health report names the handler, as
/// [`Problem::Braked`](crate::Problem::Braked) and [`Problem::Held`](crate::Problem::Held).
///
/// A shutdown that waits for `everything` in memory lifts all brakes: what is not handled by then is lost with the
/// process, so that it may as well become a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Brake {
    /// Brakes a handler after so many failed attempts in a row, 1 to 1 000 000. Written as the number.
    After(u32),
    /// Never: an event becomes a dead letter whenever its last attempt fails. Written `off`.
    Off,
}

/// What a shutdown waits for, until its deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drain {
    /// For the handlers that run; what has not started is given back to the broker. Written `in-flight`.
    InFlight,
    /// For every event that the bus holds, started or not. Written `everything`.
    Everything,
}

/// What the bus does at start about the topics, streams and consumers that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provision {
    /// Creates what is missing and verifies the rest. Written `create`.
    Create,
    /// Creates nothing, and fails where something is missing or differs. Written `verify`.
    Verify,
    /// Neither creates nor looks. Written `none`.
    None,
}
