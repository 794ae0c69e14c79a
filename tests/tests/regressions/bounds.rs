//! What the bus holds stays within its bounds, whatever is offered.

use bus_runtime::prelude::*;
use bus_runtime::{Load, Publish};
use tests::on;
use tests::on::Broker;
use tests::seen::{Gate, Seen};

#[derive(Clone, Debug, Default)]
struct Scene {
    gate: Gate,
    begun: Seen<()>,
}

#[event_handler(topic = "bounds.first", key = Record)]
async fn first(_: Raw, State(scene): State<Scene>) {
    scene.begun.add(());
    scene.gate.opened().await;
}

#[event_handler(topic = "bounds.second", key = Unordered)]
async fn second(_: Raw, State(scene): State<Scene>) {
    scene.begun.add(());
    scene.gate.opened().await;
}

#[event_bus(group = "bounds", state = Scene, handlers = [first, second])]
struct Bounds;

const IN_FLIGHT: usize = 16;
const BUFFER: usize = 200;
const BUFFER_BYTES: usize = 16 << 10;
/// With its key less than the bytes allow for each event that is held.
const PAYLOAD: usize = 100;

async fn regression_04_blocked_handlers_and_a_million_events_stay_within_bounds<B: Broker>(
    broker: B,
) {
    // On a broker, what is not taken stays there: fewer events show as much.
    let offered: usize = if B::DURABLE { 40_000 } else { 1_000_000 };
    let config = broker
        .config()
        .in_flight(IN_FLIGHT)
        .buffer(BUFFER)
        .buffer_bytes(BUFFER_BYTES)
        .drain(bus_runtime::Drain::InFlight);
    let scene = Scene::default();
    let bus = Bounds::new(config)
        .start(scene.clone())
        .await
        .expect("it starts");

    let payload = bytes::Bytes::from(vec![b'x'; PAYLOAD]);
    let tasks = 64;
    let publishing: Vec<_> = (0..tasks)
        .map(|task| {
            let (publisher, payload) = (bus.publisher(), payload.clone());
            tokio::spawn(async move {
                for number in 0..offered / tasks {
                    let topic = ["bounds.first", "bounds.second"][number % 2];
                    let key = Key::of(&((task + number) as u64 % 1000));
                    let event = publisher.publish_raw(topic, key, payload.clone(), Publish::new());
                    event.await.expect("published");
                }
            })
        })
        .collect();

    let mut most = Load::default();
    let sample = |most: &mut Load| {
        let load = bus.load();
        most.in_flight = most.in_flight.max(load.in_flight);
        most.buffered = most.buffered.max(load.buffered);
        most.bytes = most.bytes.max(load.bytes);
        most.delayed = most.delayed.max(load.delayed);
    };
    for publishing in publishing {
        while !publishing.is_finished() {
            sample(&mut most);
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        publishing.await.expect("published");
    }
    scene.begun.at_least(IN_FLIGHT).await;
    sample(&mut most);

    println!("{offered} offered: {most:?}");
    assert_eq!(most.in_flight, IN_FLIGHT, "{most:?}");
    assert_eq!(
        scene.begun.count(),
        IN_FLIGHT,
        "every handler that began is blocked"
    );
    assert!(most.buffered > 0 && most.buffered <= BUFFER, "{most:?}");
    assert!(
        most.bytes > BUFFER_BYTES / 4 && most.bytes <= BUFFER_BYTES,
        "{most:?}"
    );
    assert_eq!(most.delayed, 0, "{most:?}");

    scene.gate.open();
    let report = bus.shutdown().await.expect("it ends");
    assert!(report.handled() >= IN_FLIGHT as u64, "{report}");
    assert_eq!(report.cancelled, 0, "{report}");
}

on! { every [regression_04_blocked_handlers_and_a_million_events_stay_within_bounds] }
