//! The suite that every transport passes: whether it keeps the bus's promises.
//!
//! It drives a [`Transport`](crate::transport::Transport) through the bus's own pool and delivery, without the
//! macros, so that it can stop between an event's delivery and its settlement, end a process without warning,
//! and come back. It is for whoever writes a transport: run it against a broker of your own, for each release of
//! the broker that you support. [The guide](crate::guide::transport) has a small one.
//!
//! There are parts that every transport passes, and parts for what a transport
//! [declares](crate::transport::Capabilities) beyond them. A part whose capability is not declared is reported
//! as such; nothing else is left out.
//!
//! ```
//! use bus_runtime::testing::conformance::Suite;
//! use bus_runtime::{Config, transport};
//!
//! # #[tokio::main(flavor = "multi_thread", worker_threads = 2)]
//! # async fn main() {
//! let suite = Suite::new(|| async { transport::connect(&Config::memory(), "conformance").await });
//! let table = suite.run_all().await;
//! println!("{table}");
//! assert!(table.is_kept());
//! # }
//! ```
//!
//! One test for each part names what is broken more clearly, and lets them run side by side:
//!
//! ```
//! # use bus_runtime::testing::conformance::{PARTS, Suite, Verdict};
//! # use bus_runtime::{Config, transport};
//! # #[tokio::main(flavor = "multi_thread", worker_threads = 2)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let suite = Suite::new(|| async { transport::connect(&Config::memory(), "conformance").await });
//! let order = PARTS.iter().find(|part| part.name == "awaited_publishes_keep_their_order");
//! assert_eq!(suite.run(order.expect("a part of that name")).await?, Verdict::Kept);
//! # Ok(()) }
//! ```
//!
//! # What a connection has to be
//!
//! - Each call of the function given to [`Suite::new`] makes a new connection to the same broker, on the runtime
//!   on which its future is awaited. For a transport that is not durable each may be to a broker of its own.
//! - Parts use names of their own, so they can share a broker, also at the same time. What they leave there is
//!   theirs: groups, and events that nobody takes any more.
//! - Where the broker delivers an event again unless it hears of it in time
//!   ([`progress`](crate::transport::Capabilities::progress)), that time is at most one second: the part keeps
//!   handlers busy for four.
//!
//! Order between headers of different names is not compared, since not every broker keeps it; the values of one
//! name are, in their order.

mod error;
mod member;
mod part;
mod parts;
mod stage;
mod suite;
mod table;
mod traffic;

pub use error::Broken;
pub use part::{Needs, PARTS, Part};
pub use suite::{Suite, Verdict};
pub use table::{Row, Table};
