//! Runs one program and reads what it says.

pub(crate) mod libtest;
pub(crate) mod process;
