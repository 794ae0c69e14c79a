//! A bus runs on a transport that is not the library's.

use super::broker::{Broker, Manner};
use super::connection::Connection;
use bus_runtime::prelude::*;
use bus_runtime::testing::several_buses;
use bus_runtime::transport::start_on;
use tests::seen::Seen;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "started.step", key = key)]
struct Step {
    key: u32,
    fails: bool,
}

#[event_handler(topic = Step::TOPIC)]
async fn take(Json(step): Json<Step>, State(seen): State<Seen<u32>>) -> Result {
    seen.add(step.key);
    if step.fails {
        return Err(HandlerError::permanent("it has to"));
    }
    Ok(())
}

#[event_bus(group = "started", state = Seen<u32>, handlers = [take])]
struct Takes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bus_runs_on_a_transport_of_ones_own() {
    several_buses();
    let broker = Broker::new(Manner::HONEST);
    let seen = Seen::default();
    let started = start_on::<Takes>(Connection::open(&broker), Config::memory(), seen.clone());
    let bus = started.await.expect("it starts");
    for key in 0..10 {
        let fails = key == 7;
        bus.publish(&Step { key, fails }).await.expect("stored");
    }
    seen.at_least(10).await;
    let report = bus.shutdown().await.expect("it ends cleanly");
    assert_eq!((report.handled(), report.dead_lettered()), (9, 1));
    assert_eq!(report.left, [""; 0]);
}
