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

/// Runs one scenario on a broker and a runtime of its own; what they log is kept, see [`Logged`].
///
/// # Panics
///
/// When the scenario does, or when it takes longer than twice [`PATIENCE`].
pub fn run<B: Broker, F: Future<Output = ()>>(scenario: impl FnOnce(B) -> F) {
    several_buses();
    let logged = Logged::here();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .on_thread_start(move || logged.attach())
        .build()
        .expect("the system gives threads");
    runtime.block_on(async {
        let scenario = tokio::time::timeout(2 * PATIENCE, scenario(B::fresh()));
        assert!(scenario.await.is_ok(), "not over after twice {PATIENCE:?}");
    });
}

/// Makes tests of scenarios, which are functions `async fn(impl Broker)` in the same module: those under
/// `every` run on each transport, the others on one.
///
/// A test's path has its transport as a segment: `memory::regression_…`.
#[macro_export]
macro_rules! on {
    (
        $(every [$($every:ident),* $(,)?])?
        $(memory [$($memory:ident),* $(,)?])?
        $(nats [$($nats:ident),* $(,)?])?
    ) => {
        mod memory {
            $crate::on!(@tests $crate::on::Memory; $($($every)*)? $($($memory)*)?);
        }
        #[cfg(feature = "nats")]
        mod nats {
            $crate::on!(@tests $crate::broker::Nats; $($($every)*)? $($($nats)*)?);
        }
    };
    (@tests $broker:ty; $($name:ident)*) => {$(
        #[test]
        fn $name() {
            $crate::on::run::<$broker, _>(super::$name);
        }
    )*};
}
