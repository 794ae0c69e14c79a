//! One bus runs in a process. Nothing here calls `several_buses`, and the tests run one after the other.

use bus_runtime::prelude::*;
use bus_runtime::{Running, StartError};
use elsewhere::Elsewhere;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tests::seen::Gate;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "one.step", key = key)]
struct Step {
    key: u32,
}

#[derive(Clone, Default)]
struct Scene {
    begun: Gate,
    gate: Gate,
}

#[event_handler(topic = Step::TOPIC)]
async fn wait(_: Json<Step>, State(scene): State<Scene>) {
    scene.begun.open();
    scene.gate.opened().await;
}

#[event_bus(group = "first", state = Scene, handlers = [wait])]
struct First;

#[event_bus(group = "second", handlers = [])]
struct Second;

const FIRST: &str = "one_bus::First";
const SECOND: &str = "one_bus::Second";
const ELSEWHERE: &str = "elsewhere::Elsewhere";

/// The process, for one test at a time.
fn process() -> MutexGuard<'static, ()> {
    static PROCESS: Mutex<()> = Mutex::new(());
    PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(scenario: impl Future<Output = ()>) {
    let _process = process();
    let runtime = tokio::runtime::Runtime::new().expect("the system gives threads");
    runtime.block_on(scenario);
}

async fn first() -> Running {
    let started = First::new(Config::memory()).start(Scene::default()).await;
    started.expect("nothing else runs")
}

/// Both names, of a start that is refused.
fn refused(started: Result<Running, StartError>) -> (&'static str, &'static str) {
    let error = started.expect_err("another bus runs");
    let shown = error.to_string();
    let StartError::AnotherBus { bus, running } = error else {
        panic!("{error:?}")
    };
    assert!(shown.contains(bus) && shown.contains(running), "{shown}");
    (bus, running)
}

mod memory {
    use super::*;

    #[test]
    fn a_second_bus_is_refused_until_the_first_has_ended() {
        run(async {
            let bus = first().await;
            let both = refused(Second::new(Config::memory()).start().await);
            assert_eq!(both, (SECOND, FIRST));
            let again = refused(First::new(Config::memory()).start(Scene::default()).await);
            assert_eq!(again, (FIRST, FIRST));
            bus.shutdown().await.expect("it ends");
            let second = Second::new(Config::memory()).start().await;
            second
                .expect("the first has ended")
                .shutdown()
                .await
                .expect("it ends");
        });
    }

    #[test]
    fn a_bus_of_another_crate_is_refused_too() {
        run(async {
            let bus = first().await;
            let both = refused(Elsewhere::new(Config::memory()).start().await);
            assert_eq!(both, (ELSEWHERE, FIRST));
            bus.shutdown().await.expect("it ends");

            let bus = Elsewhere::new(Config::memory())
                .start()
                .await
                .expect("the first has ended");
            let both = refused(First::new(Config::memory()).start(Scene::default()).await);
            assert_eq!(both, (FIRST, ELSEWHERE));
            bus.shutdown().await.expect("it ends");
        });
    }

    #[test]
    fn of_many_starts_at_once_one_succeeds() {
        run(async {
            let starts: Vec<_> = (0..16)
                .map(|_| tokio::spawn(Second::new(Config::memory()).start()))
                .collect();
            let mut running = Vec::new();
            for start in starts {
                match start.await.expect("it does not panic") {
                    Ok(bus) => running.push(bus),
                    Err(error) => assert_eq!(refused(Err(error)), (SECOND, SECOND)),
                }
            }
            assert_eq!(running.len(), 1);
            running.remove(0).shutdown().await.expect("it ends");
        });
    }

    #[test]
    fn a_shutdown_that_nobody_waits_for_frees_the_process_at_its_end() {
        run(async {
            let scene = Scene::default();
            let bus = First::new(Config::memory())
                .start(scene.clone())
                .await
                .expect("nothing else runs");
            bus.publish(&Step { key: 1 }).await.expect("published");
            scene.begun.opened().await;
            {
                let mut shutdown = std::pin::pin!(bus.shutdown());
                let polled =
                    std::future::poll_fn(|cx| std::task::Poll::Ready(shutdown.as_mut().poll(cx)));
                assert!(polled.await.is_pending(), "a handler runs still");
            }
            assert_eq!(
                refused(Second::new(Config::memory()).start().await),
                (SECOND, FIRST)
            );
            scene.gate.open();
            freed(FIRST).await;
        });
    }

    #[test]
    fn a_bus_that_is_dropped_frees_the_process_at_its_end() {
        run(async {
            let bus = first().await;
            drop(bus);
            freed(FIRST).await;
        });
    }

    #[test]
    fn a_start_that_fails_or_is_dropped_frees_the_process() {
        run(async {
            let config = Config::memory().in_flight(0);
            let error = Second::new(config)
                .start()
                .await
                .expect_err("no handler could run");
            assert!(matches!(error, StartError::Config(_)), "{error:?}");
            drop(Second::new(Config::memory()).start());
            first().await.shutdown().await.expect("it ends");
        });
    }
}

#[cfg(feature = "nats")]
mod nats {
    use super::*;
    use std::net::TcpListener;
    use tests::broker::Nats;

    #[test]
    fn a_start_that_fails_or_is_dropped_frees_the_process() {
        let silent = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("nats://{}", silent.local_addr().expect("it has one"));
        run(async {
            let soon = Duration::from_millis(200);
            let config = Config::new(Nats::refused_url()).connect_timeout(soon);
            let error = Second::new(config).start().await;
            let error = error.expect_err("there is no broker");
            assert!(matches!(error, StartError::Broker { .. }), "{error:?}");

            let config = Config::new(url).connect_timeout(soon);
            let start = tokio::spawn(Second::new(config).start());
            let connection = silent.accept().expect("it connects, and nobody answers");
            start.abort();
            freed(SECOND).await;
            drop(connection);
            first().await.shutdown().await.expect("it ends");
        });
    }
}

/// Waits until another bus can run, and ends that one.
async fn freed(running: &'static str) {
    let patience = tests::on::PATIENCE;
    let bus = tokio::time::timeout(patience, async {
        loop {
            match Second::new(Config::memory()).start().await {
                Ok(bus) => return bus,
                Err(error) => assert_eq!(refused(Err(error)), (SECOND, running)),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    let bus = bus.await.expect("the first ends");
    bus.shutdown().await.expect("it ends");
}
