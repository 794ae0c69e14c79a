//! `cargo xtask promises`: what the bus promises, the tests that show it, and mutants of the product that they find.

mod list;
mod mutant;
mod promise;
mod show;

pub(crate) use show::promises;
