//! One scenario on every transport.

use crate::logged::Logged;
use bus_runtime::Config;
use bus_runtime::testing::several_buses;
use std::time::Duration;
use tokio::runtime::Builder;

/// How long a scenario waits for one thing, which is far more than it needs: longer is a failure.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// A broker of one scenario's own.
pub trait Broker: Sized + Send + 'static {
    /// Whether events outlive the bus.
    const DURABLE: bool;

    /// A broker that nobody has used.
    fn fresh() -> Self;

    /// The defaults, with this broker's URL.
    fn config(&self) -> Config;

    /// How many events the broker has delivered again to this group and still waits for.
    fn redelivered(&self, group: &str) -> u64;
}

/// `memory:`: every bus has its own.
#[derive(Debug)]
pub struct Memory;

impl Broker for Memory {
    const DURABLE: bool = false;

    fn fresh() -> Self {
        Memory
    }

    fn config(&self) -> Config {
        Config::memory()
    }

    fn redelivered(&self, _: &str) -> u64 {
        0
    }
}

#[cfg(feature = "nats")]
impl Broker for crate::broker::Nats {
    const DURABLE: bool = true;

    fn fresh() -> Self {
        crate::broker::Nats::start()
    }

    fn config(&self) -> Config {
        Config::new(self.url())
    }

    fn redelivered(&self, group: &str) -> u64 {
        let info = crate::jetstream::ask(self.url(), &format!("CONSUMER.INFO.events.{group}"));
        let count = info["num_redelivered"].as_u64();
        count.expect("the server counts them")
    }
}

/// A Kafka that the scenarios of one program share, each with a namespace of its own: a server takes seconds to start.
#[cfg(feature = "kafka")]
#[derive(Debug)]
pub struct SharedKafka {
    namespace: String,
}

#[cfg(feature = "kafka")]
impl SharedKafka {
    /// The server. It ends with this program.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn server() -> &'static crate::broker::Kafka {
        static SERVER: std::sync::OnceLock<crate::broker::Kafka> = std::sync::OnceLock::new();
        SERVER.get_or_init(crate::broker::Kafka::start)
    }

    /// What stands in front of this scenario's topics and groups, with a `.` behind it.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

#[cfg(feature = "kafka")]
impl Broker for SharedKafka {
    const DURABLE: bool = true;

    fn fresh() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static SCENARIOS: AtomicU32 = AtomicU32::new(0);
        let number = SCENARIOS.fetch_add(1, Ordering::Relaxed);
        SharedKafka {
            namespace: format!("scenario{number}"),
        }
    }

    fn config(&self) -> Config {
        Config::new(Self::server().url()).namespace(&*self.namespace)
    }

    fn redelivered(&self, _: &str) -> u64 {
        0
    }
}

#[cfg(feature = "kafka")]
impl Broker for crate::broker::Kafka {
    const DURABLE: bool = true;

    fn fresh() -> Self {
        crate::broker::Kafka::start()
    }

    fn config(&self) -> Config {
        Config::new(self.url())
    }

    fn redelivered(&self, _: &str) -> u64 {
        0
    }
}

/// Runs one scenario on a broker and a runtime of its own; what they log is kept, see [`Logged`].
///
/// # Panics
///
/// When the scenario does, or when it takes longer than twice [`PATIENCE`].
pub fn run<B: Broker, F: Future<Output = ()>>(scenario: impl FnOnce(B) -> F) {
    run_with(|| {}, scenario);
}

/// The same; each of its threads does this first.
///
/// # Panics
///
/// As [`run`].
pub fn run_with<B: Broker, F: Future<Output = ()>>(
    attach: impl Fn() + Send + Sync + 'static,
    scenario: impl FnOnce(B) -> F,
) {
    several_buses();
    attach();
    let logged = Logged::here();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || {
            logged.attach();
            attach();
        })
        .build()
        .expect("the system gives threads");
    runtime.block_on(async {
        let scenario = tokio::time::timeout(2 * PATIENCE, scenario(B::fresh()));
        assert!(scenario.await.is_ok(), "not over after twice {PATIENCE:?}");
    });
}

/// Makes tests of scenarios, which are functions `async fn(impl Broker)` in the same module: those under
/// `every` run on each transport, those under `durable` on each whose events outlive the bus, on Kafka on a server
/// that they share, as those under `cluster` do; the others on one, with a server of their own.
///
/// A test's path has its transport as a segment: `memory::regression_…`. They are run by [`run`], or by the function
/// that the first line names: `by tests::metered::run;`.
#[macro_export]
macro_rules! on {
    (
        $(by $run:path;)?
        $(every [$($every:ident),* $(,)?])?
        $(durable [$($durable:ident),* $(,)?])?
        $(memory [$($memory:ident),* $(,)?])?
        $(nats [$($nats:ident),* $(,)?])?
        $(cluster [$($cluster:ident),* $(,)?])?
        $(kafka [$($kafka:ident),* $(,)?])?
    ) => {
        mod memory {
            $crate::on!(@tests [$($run)?] $crate::on::Memory; $($($every)*)? $($($memory)*)?);
        }
        #[cfg(feature = "nats")]
        mod nats {
            $crate::on!(@tests [$($run)?] $crate::broker::Nats; $($($every)*)? $($($durable)*)? $($($nats)*)?);
        }
        #[cfg(feature = "kafka")]
        mod kafka {
            $crate::on!(@tests [$($run)?] $crate::on::SharedKafka; $($($every)*)? $($($durable)*)? $($($cluster)*)?);
            $crate::on!(@tests [$($run)?] $crate::broker::Kafka; $($($kafka)*)?);
        }
    };
    (@tests [] $broker:ty; $($name:ident)*) => {
        $crate::on!(@tests [$crate::on::run] $broker; $($name)*);
    };
    (@tests [$run:path] $broker:ty; $($name:ident)*) => {$(
        #[test]
        fn $name() {
            $run(|broker: $broker| super::$name(broker));
        }
    )*};
}
