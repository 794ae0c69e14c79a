//! `cargo xtask test`: everything that must be green.

mod checks;
mod last;
mod list;
mod perform;
mod table;
mod workspace;

pub(crate) use last::{Last, Outcome};
pub(crate) use perform::{cargo_test, test};
pub(crate) use workspace::{cargo, root};
