//! `cargo xtask`: what a developer does by name.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main()
}
