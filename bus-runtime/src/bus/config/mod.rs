//! The one configuration: what can be set, three ways to set it, and what is allowed.

mod check;
mod choices;
mod declare;
mod derived;
mod deserialize;
mod env;
mod error;
mod options;
mod read;
mod url;

pub use choices::{Brake, Drain, Provision};
pub use error::ConfigError;
pub use options::Config;
pub(crate) use url::Broker;
