//! The macros of `bus-runtime`, which documents them. Use them through that crate.
