//! Options with few values.

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
