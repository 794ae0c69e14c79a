//! The bus: its configuration.

mod config;

pub use config::{Config, ConfigError, Drain, Provision};
