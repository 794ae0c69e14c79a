//! `cargo xtask test`: everything that must be green.

mod checks;
mod list;
mod perform;
mod table;
mod workspace;

pub(crate) use perform::test;
pub(crate) use workspace::{cargo, root};
