//! Prints the configuration that its environment gives, for tests of the environment.
//!
//! Arguments: none for `from_env`, `or-memory` for `from_env_or`, a prefix for `from_env_with_prefix`.

use bus_runtime::Config;
use std::process::ExitCode;

fn main() -> ExitCode {
    let config = match std::env::args().nth(1).as_deref() {
        None => Config::from_env(),
        Some("or-memory") => Config::from_env_or(Config::memory()),
        Some(prefix) => Config::from_env_with_prefix(prefix, Some(Config::memory())),
    };
    match config {
        Ok(config) => {
            println!("{config:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}
