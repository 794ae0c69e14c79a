//! What a developer does by name (`cargo xtask`), and the brokers that the tests start.
//!
//! A library, so that a broker is started by the same code from a test and by hand, and so that
//! its own tests are among those that `cargo xtask test` runs.

mod bench;
pub mod broker;
mod command;
mod promises;
mod run;
mod suite;

pub use command::main;
