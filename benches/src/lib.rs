//! What the benchmarks share: the clock, and the table that each prints and writes.

mod cpu;
#[cfg(feature = "footprint")]
pub mod footprint;
mod table;

pub use cpu::Cpu;
pub use table::{Row, Table};
