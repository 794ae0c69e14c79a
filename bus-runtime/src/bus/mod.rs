//! The bus: its configuration, its start, what one does with it while it runs, and its end.

mod account;
mod claim;
mod config;
mod connect;
mod end;
mod ending;
mod enqueued;
mod error;
mod origin;
mod outlet;
mod publish;
mod publisher;
mod readings;
mod report;
mod running;
mod runtime;
mod signal;
mod start;
mod stop;
mod watch;

pub(crate) use claim::Claim;
pub use config::{Brake, Config, ConfigError, Drain, Provision};
pub use connect::{PublisherLeft, connect};
pub use enqueued::Enqueued;
pub use error::{PublishError, RunError, StartError};
pub(crate) use origin::Origin;
pub use publish::Publish;
pub use publisher::Publisher;
pub use report::{Handled, Report};
pub use running::Running;
pub use signal::shutdown_signal;
pub(crate) use start::{Ground, full_group, group};
pub use start::{start, start_on};
pub use stop::Stop;
