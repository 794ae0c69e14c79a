//! A test in a process of its own.

use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Set for the process that a test runs in alone.
const ALONE: &str = "BUS_TESTS_ALONE";

/// Tests that are measured do not disturb each other.
static ONE: Mutex<()> = Mutex::new(());

/// Runs the test of this name in a process of its own, one such process after another: for what is counted by the
/// process, where the threads of other tests would be counted too. The name is the test's full path.
///
/// # Panics
///
/// When the test fails there, with what it printed.
#[track_caller]
pub fn alone(name: &str, test: impl FnOnce()) {
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let program = std::env::current_exe().expect("the test's program");
    let ran = Command::new(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(ALONE, "1")
        .output()
        .expect("the test's program runs");
    let told = String::from_utf8_lossy(&ran.stdout);
    let log = String::from_utf8_lossy(&ran.stderr);
    assert!(
        ran.status.success(),
        "{name}, in a process of its own: {}\n{told}\n{log}",
        ran.status
    );
    assert!(
        told.contains("1 passed"),
        "there is no test `{name}`: {told}"
    );
    for figure in told.lines().filter(|line| line.starts_with("figure: ")) {
        println!("\n{figure}");
    }
}

/// Prints a figure for a person to read. In a process of its own, nothing else of the output is passed on.
pub fn figure(text: impl std::fmt::Display) {
    // On a line of its own, whatever the harness has begun to write.
    println!("\nfigure: {text}");
}

/// A runtime with two workers, whose threads for blocking calls end as soon as they are idle.
///
/// # Panics
///
/// When the system refuses a thread.
#[must_use]
pub fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .thread_keep_alive(Duration::from_millis(1))
        .enable_all()
        .build()
        .expect("threads")
}

/// Makes two tests of each function, `memory::…` and `nats::…`, each in a process of its own: the function gets a
/// configuration for that broker.
#[macro_export]
macro_rules! alone_on_each_transport {
    ($($test:ident),+ $(,)?) => {
        mod memory {
            $(#[test]
            fn $test() {
                let name = concat!("memory::", stringify!($test));
                $crate::alone::alone(name, || super::$test(&bus_runtime::Config::memory()));
            })+
        }

        #[cfg(feature = "nats")]
        mod nats {
            $(#[test]
            fn $test() {
                let name = concat!("nats::", stringify!($test));
                $crate::alone::alone(name, || {
                    let nats = $crate::broker::Nats::start();
                    super::$test(&bus_runtime::Config::new(nats.url()));
                });
            })+
        }
    };
}

/// The same as `kafka::…`, on a server of each test's own.
#[macro_export]
macro_rules! alone_on_kafka {
    ($($test:ident),+ $(,)?) => {
        #[cfg(feature = "kafka")]
        mod kafka {
            $(#[test]
            fn $test() {
                let name = concat!("kafka::", stringify!($test));
                $crate::alone::alone(name, || {
                    let kafka = $crate::broker::Kafka::start();
                    super::$test(&bus_runtime::Config::new(kafka.url()).kafka_partitions(2));
                });
            })+
        }
    };
}
